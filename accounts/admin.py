from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.api.access import signed_in
from accounts.models import (
    ApiToken,
    AuditEvent,
    AuditLink,
    Event,
    IdempotencyKey,
    Membership,
    Organization,
    Team,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.revocation import deactivate_user, revoke_tokens
from accounts.support import begin_support
from accounts.webhooks import services as webhooks
from gitslice.common.admin import Admin, History, ReadOnly, hexed
from gitslice.common.errors import DomainError

admin.site.unregister(Group)

POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Admin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["username", "email"]
    actions = ["deactivate", "revoke_all_tokens", "act_as"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Superusers are changed by superusers: else whoever sets their password becomes one."""
        ours = obj is None or not obj.is_superuser or request.user.is_superuser
        return ours and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # what they did stays theirs: deactivate them

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return (*fields, "last_login", "date_joined", *(() if request.user.is_superuser else POWERS))

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        """Who is made inactive by hand loses everything too."""
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            deactivate_user(actor=signed_in(request.user), user=obj)

    @admin.action(description="Deactivate: end all tokens and sessions", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        for user in users:
            try:
                deactivate_user(actor=signed_in(request.user), user=user)
            except DomainError as error:
                self.message_user(request, f"{user}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{user}: deactivated")

    @admin.action(description="Revoke all tokens", permissions=["change"])
    def revoke_all_tokens(self, request: HttpRequest, users: QuerySet[User]) -> None:
        tokens = ApiToken.objects.filter(user__in=users)
        revoked(self, request, tokens)

    @admin.action(description="Act as this user, for support")
    def act_as(self, request: HttpRequest, users: QuerySet[User]) -> HttpResponse | None:
        chosen = list(users[:2])
        if len(chosen) != 1:
            self.message_user(request, "Choose one user.", messages.ERROR)
            return None
        try:
            begin_support(request=request, actor=signed_in(request.user), user=chosen[0])
        except DomainError as error:
            self.message_user(request, str(error), messages.ERROR)
            return None
        return HttpResponseRedirect("/")


def revoked(model_admin: Admin, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
    """Revoke tokens, and tell how many."""
    try:
        number = revoke_tokens(actor=signed_in(request.user), tokens=tokens)
    except DomainError as error:
        model_admin.message_user(request, str(error), messages.ERROR)
    else:
        model_admin.message_user(request, f"{number} revoked.")


class MembershipInline(ReadOnly, TabularInline):
    """To look at: a field to choose a user would ask for its user once for each row. They are changed one by one."""

    model = Membership
    extra = 0
    per_page = 50
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        members = super().get_queryset(request).order_by("user__username")
        return members.select_related("user", "organization")


@admin.register(Organization)
class OrganizationAdmin(Admin):
    list_display = ["slug", "name", "created_at"]
    search_fields = ["slug", "name"]
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an organization needs an owner and a root slice: manage.py bootstrap, or the API

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # its history is truth


@admin.register(Membership)
class MembershipAdmin(Admin):
    list_display = ["user", "organization", "role"]
    list_filter = ["role", "organization"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__username", "organization__slug"]
    autocomplete_fields = ["user", "organization"]


@admin.register(Team)
class TeamAdmin(Admin):
    list_display = ["slug", "organization", "name"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    search_fields = ["slug", "name"]
    autocomplete_fields = ["organization", "members"]


@admin.register(ApiToken)
class ApiTokenAdmin(History):
    list_display = ["hint", "name", "user", "created_at", "last_used_at", "expires_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["hint", "name", "user__username"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        revoked(self, request, tokens)


@admin.register(AuditEvent)
class AuditEventAdmin(History):
    list_display = ["at", "actor", "action", "object", "organization", "address"]
    list_filter = ["organization"]
    list_select_related = ["actor", "organization"]
    search_fields = ["=action", "object", "=actor__username"]


@admin.register(AuditLink)
class AuditLinkAdmin(History):
    hex_digest = hexed("digest")
    list_display = ["position", "organization", "event", "hex_digest"]
    list_filter = ["organization"]
    list_select_related = ["organization", "event"]
    readonly_fields = ["hex_digest"]
    search_fields = ["=position"]


@admin.register(Event)
class EventAdmin(History):
    list_display = ["at", "kind", "organization", "position", "changeset"]
    list_filter = ["organization"]
    list_select_related = ["organization"]
    search_fields = ["=kind", "=position"]


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(History):
    list_display = ["key", "user", "status", "created_at"]
    list_select_related = ["user"]
    search_fields = ["=key", "=user__username"]
    exclude = ["body"]  # answers may hold what only their receiver is to see


@admin.register(Webhook)
class WebhookAdmin(ReadOnly, Admin):
    list_display = ["__str__", "organization", "url", "topics", "active", "created_by", "created_at"]
    list_filter = ["active", "organization"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["url"]
    exclude = ["secret", "old_secret"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(History):
    list_display = ["uuid", "webhook", "kind", "state", "attempts", "last_status", "last_error", "created_at"]
    list_filter = ["state", "webhook__organization"]
    list_select_related = ["webhook"]
    search_fields = ["=uuid"]
    actions = ["redeliver"]

    @admin.action(description="Redeliver")
    def redeliver(self, request: HttpRequest, deliveries: QuerySet[WebhookDelivery]) -> None:
        """Staff who administer the organization may, as everywhere else."""
        for delivery in deliveries.select_related("webhook__organization"):
            try:
                webhooks.redeliver(actor=signed_in(request.user), delivery=delivery)
            except DomainError as error:
                self.message_user(request, f"{delivery}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{delivery}: queued")
