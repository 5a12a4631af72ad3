from __future__ import annotations

from celery import current_app
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from accounts.admin import ReadOnly
from conflicts.models import Conflict, ConflictEvent, FailedTask


class ConflictEventInline(admin.TabularInline):
    model = ConflictEvent
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Conflict)
class ConflictAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["path", "kind", "severity", "state", "changeset", "their_changeset", "updated_at"]
    list_filter = ["state", "severity", "kind"]
    list_select_related = ["changeset", "their_changeset"]
    search_fields = ["path"]
    show_full_result_count = False
    inlines = [ConflictEventInline]


@admin.register(FailedTask)
class FailedTaskAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "arguments", "at", "retried_at"]
    list_filter = ["name"]
    search_fields = ["name", "error"]
    actions = ["run_again"]

    @admin.action(description="Run again")
    def run_again(self, request: HttpRequest, tasks: QuerySet[FailedTask]) -> None:
        for task in tasks:
            current_app.send_task(task.name, task.arguments)
        tasks.update(retried_at=timezone.now())
        self.message_user(request, "Queued.")
