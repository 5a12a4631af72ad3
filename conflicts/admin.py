from __future__ import annotations

from celery import current_app
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import TabularInline

from conflicts.models import Conflict, ConflictEvent, FailedTask, MailChoice, MailCursor, OpenEdit
from gitslice.common.admin import Admin, History, ReadOnly


class ConflictEventInline(ReadOnly, TabularInline):
    model = ConflictEvent
    extra = 0
    can_delete = False
    per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[ConflictEvent]:
        return super().get_queryset(request).select_related("actor")


@admin.register(Conflict)
class ConflictAdmin(History):
    list_display = ["path", "kind", "severity", "state", "changeset", "their_changeset", "updated_at"]
    list_filter = ["state", "severity", "kind", "organization"]
    list_select_related = ["changeset", "their_changeset"]
    search_fields = ["path__startswith"]
    inlines = [ConflictEventInline]


@admin.register(ConflictEvent)
class ConflictEventAdmin(History):
    list_display = ["conflict", "action", "actor", "at"]
    list_filter = ["action"]
    list_select_related = ["conflict", "actor"]
    search_fields = ["=actor__username"]


@admin.register(OpenEdit)
class OpenEditAdmin(History):
    list_display = ["path", "changeset", "patchset", "seen_seq"]
    list_filter = ["organization"]
    list_select_related = ["changeset", "patchset__changeset"]
    search_fields = ["path__startswith"]


@admin.register(FailedTask)
class FailedTaskAdmin(History):
    list_display = ["name", "arguments", "at", "retried_at"]
    list_filter = [("retried_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "error"]
    actions = ["run_again"]

    @admin.action(description="Run again")
    def run_again(self, request: HttpRequest, tasks: QuerySet[FailedTask]) -> None:
        for task in tasks:
            current_app.send_task(task.name, task.arguments)
        tasks.update(retried_at=timezone.now())
        self.message_user(request, "Queued.")


@admin.register(MailChoice)
class MailChoiceAdmin(Admin):
    list_display = ["user", "conflicts", "reviews", "landings"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    autocomplete_fields = ["user"]


@admin.register(MailCursor)
class MailCursorAdmin(ReadOnly, Admin):
    list_display = ["position"]
    search_fields = ["=position"]
