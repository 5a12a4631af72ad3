"""What every page of the administration shares: the theme, history that cannot be edited, lists that count nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator

from gitslice.common.audit import record
from gitslice.common.errors import DomainError


class Choice(AutocompleteSelect):
    """A row to choose. What is no key at all was not chosen: the form says so, where Django's own fails."""

    def optgroups(self, name: str, value: Sequence[str], attr: dict[str, Any] | None = None) -> Any:
        return super().optgroups(name, [key for key in value if self._is_key(key)], attr)

    def _is_key(self, text: str) -> bool:
        try:
            self.field.target_field.to_python(text)
        except ValidationError:
            return False
        return True


class Admin(ModelAdmin):
    """A model that staff may edit. What they change by hand is in the audit trail, as everything is."""

    list_per_page = 50
    show_full_result_count = False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", Choice(db_field, self.admin_site, using=options.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **options)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "admin.add", obj, message)
        return super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        _record(request, "admin.change", obj, message)
        return super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: QuerySet[Any]) -> Any:
        for obj in queryset:
            _record(request, "admin.delete", obj, [])
        return super().log_deletions(request, queryset)


class ReadOnly:
    """What is looked at, and never changed by hand."""

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class History(ReadOnly, Admin):
    """What grows for ever and is never edited: lists show the newest first, and count nothing."""

    paginator = InfinitePaginator
    list_disable_select_all = True
    ordering = ["-pk"]


def for_each(
    model_admin: Admin, request: HttpRequest, rows: Iterable[Any], act: Callable[[Any], Any], done: str
) -> None:
    """Do it to each row and tell of each. What is refused is told too, and keeps nobody from the others."""
    for row in rows:
        try:
            act(row)
        except DomainError as error:
            model_admin.message_user(request, f"{row}: {error}", messages.ERROR)
        else:
            model_admin.message_user(request, f"{row}: {done}")


def hexed(name: str) -> Callable[[Any, Any], str]:
    """A column that shows the beginning of a digest, or of another field of bytes."""

    @admin.display(description=name.replace("_", " "))
    def shown(self: Any, row: Any) -> str:
        value = getattr(row, name)
        return "" if value is None else bytes(value).hex()

    return shown


def _record(request: HttpRequest, action: str, obj: Model, message: Any) -> None:
    fields = sorted({str(name) for part in message if isinstance(part, dict) for name in _fields(part)})
    record(
        organization=_organization(obj),
        actor=request.user,
        action=action,
        object=f"{obj._meta.verbose_name} {obj}",
        detail={"fields": fields} if fields else {},
    )


def _fields(part: dict[str, Any]) -> list[Any]:
    return [name for facts in part.values() for name in facts.get("fields", [])]


def _organization(obj: Model) -> Any:
    return obj if obj._meta.label == "accounts.Organization" else getattr(obj, "organization", None)
