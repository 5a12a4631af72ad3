from __future__ import annotations

from django.contrib import admin

from gitslice.common.admin import History
from gitslice.ops.models import MigrationMark


@admin.register(MigrationMark)
class MigrationMarkAdmin(History):
    list_display = ["app", "name", "version", "breaks_older_code"]
    list_filter = ["breaks_older_code"]
    search_fields = ["app", "name"]
