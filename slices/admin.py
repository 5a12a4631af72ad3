from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.admin import ReadOnly
from slices.models import GlobalCommit, GlobalState, GlobalTag
from slices.tasks import merge_global_state


@admin.register(GlobalCommit)
class GlobalCommitAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["number", "organization", "hex", "commit_count", "path_count", "author", "merged_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "author"]
    search_fields = ["=number"]
    ordering = ["organization", "-number"]
    show_full_result_count = False


@admin.register(GlobalTag)
class GlobalTagAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "organization", "target", "author", "created_at"]
    list_filter = ["organization"]
    list_select_related = ["organization", "target", "author"]
    search_fields = ["name"]


@admin.register(GlobalState)
class GlobalStateAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["organization", "head", "problem", "problem_at"]
    list_select_related = ["organization", "head"]
    actions = ["merge_now"]

    @admin.action(description="Merge now")
    def merge_now(self, request: HttpRequest, states: QuerySet[GlobalState]) -> None:
        for state in states:
            merge_global_state.delay(state.pk)
        self.message_user(request, "Queued.", messages.SUCCESS)
