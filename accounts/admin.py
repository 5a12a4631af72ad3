from __future__ import annotations

from typing import Any

from allauth.account.decorators import secure_admin_login
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.api.access import signed_in
from accounts.models import (
    ApiToken,
    AuditEvent,
    AuditLink,
    CodeGuess,
    DeviceGrant,
    Domain,
    Event,
    GroupMapping,
    IdempotencyKey,
    IdentityProvider,
    Invitation,
    Membership,
    Organization,
    Quota,
    ScimGroup,
    ScimToken,
    ScimUser,
    Team,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.people.activation import deactivate_user, reactivate_user
from accounts.people.members import change_role, remove_member
from accounts.quotas.forms import QuotaForm
from accounts.quotas.services import set_limit
from accounts.revocation import remove_factor, revoke_tokens
from accounts.support import begin_support
from accounts.webhooks import services as webhooks
from gitslice.common.admin import Admin, History, ReadOnly, for_each, hexed
from gitslice.common.errors import DomainError

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one way in for all
admin.site.unregister(
    [Group, SocialApp, SocialToken]
)  # providers are organizations'; their tokens are not kept
admin.site.unregister([EmailAddress, SocialAccount, Authenticator, UserSession])  # ours are below

POWERS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, Admin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "email", "is_active", "is_staff", "is_superuser", "last_login", "date_joined"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    search_fields = ["username", "email"]
    actions = ["deactivate", "reactivate", "revoke_all_tokens", "act_as"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Staff and superusers are changed by superusers: else whoever sets their password has their powers."""
        ours = obj is None or obj == request.user or not (obj.is_superuser or obj.is_staff)
        return (ours or request.user.is_superuser) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False  # what they did stays theirs: deactivate them

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = tuple(super().get_readonly_fields(request, obj))
        return (
            *fields,
            "is_active",
            "last_login",
            "date_joined",
            *(() if request.user.is_superuser else POWERS),
        )

    @admin.action(description="Deactivate: end all tokens and sessions", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        actor = signed_in(request.user)
        for_each(self, request, users, lambda user: deactivate_user(actor=actor, user=user), "deactivated")

    @admin.action(description="Reactivate: they sign in anew", permissions=["change"])
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        actor = signed_in(request.user)
        for_each(self, request, users, lambda user: reactivate_user(actor=actor, user=user), "active again")

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


class QuotaInline(ReadOnly, TabularInline):
    """To look at: they are changed one by one."""

    model = Quota
    extra = 0
    fields = readonly_fields = ["kind", "shown_limit", "shown_used"]
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Quota]:
        return super().get_queryset(request).select_related("organization")


@admin.register(Organization)
class OrganizationAdmin(ReadOnly, Admin):
    """Changed at its own pages, as its owners do: superusers count as owners everywhere."""

    list_display = ["slug", "name", "created_at"]
    search_fields = ["slug", "name"]
    inlines = [QuotaInline, MembershipInline]

    def view_on_site(self, organization: Organization) -> str:
        return reverse("people:settings", args=[organization.slug])


@admin.register(Quota)
class QuotaAdmin(Admin):
    """Each organization has its three: none is added or deleted."""

    form = QuotaForm
    list_display = ["__str__", "shown_limit", "shown_used"]
    list_filter = ["kind", ("limit", admin.EmptyFieldListFilter), "organization"]
    list_select_related = ["organization"]
    ordering = ["organization__slug", "pk"]
    search_fields = ["organization__slug"]
    fields = ["organization", "kind", "limit", "shown_used"]
    readonly_fields = ["organization", "kind", "shown_used"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Quota, form: Any, change: bool) -> None:
        """The limit alone: what is used goes on being counted meanwhile."""
        actor = signed_in(request.user)
        set_limit(actor=actor, organization=obj.organization, kind=obj.kind, limit=obj.limit)


@admin.register(Membership)
class MembershipAdmin(ReadOnly, Admin):
    list_display = ["user", "organization", "role"]
    list_filter = ["role", "organization"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__username", "organization__slug"]
    actions = ["make_owner", "make_admin", "make_member", "remove"]

    def view_on_site(self, membership: Membership) -> str:
        return reverse("people:members", args=[membership.organization.slug])

    @admin.action(description="Make owner", permissions=["edit"])
    def make_owner(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        self._give(request, rows, Membership.Role.OWNER)

    @admin.action(description="Make admin", permissions=["edit"])
    def make_admin(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        self._give(request, rows, Membership.Role.ADMIN)

    @admin.action(description="Make plain member", permissions=["edit"])
    def make_member(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        self._give(request, rows, Membership.Role.MEMBER)

    @admin.action(description="Remove from the organization", permissions=["edit"])
    def remove(self, request: HttpRequest, rows: QuerySet[Membership]) -> None:
        actor = signed_in(request.user)
        for_each(self, request, rows, lambda row: remove_member(actor=actor, membership=row), "removed")

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_membership")

    def _give(self, request: HttpRequest, rows: QuerySet[Membership], role: str) -> None:
        actor = signed_in(request.user)
        for_each(self, request, rows, lambda row: change_role(actor=actor, membership=row, role=role), role)


@admin.register(Team)
class TeamAdmin(ReadOnly, Admin):
    list_display = ["slug", "organization", "parent", "name"]
    list_filter = ["organization"]
    list_select_related = ["organization", "parent__organization"]
    search_fields = ["slug", "name"]
    exclude = ["members"]

    def view_on_site(self, team: Team) -> str:
        return reverse("people:team", args=[team.organization.slug, team.slug])


@admin.register(Invitation)
class InvitationAdmin(History):
    list_display = ["email", "organization", "role", "invited_by", "created_at", "expires_at", "accepted_at"]
    list_filter = ["organization", ("accepted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "invited_by"]
    search_fields = ["email", "organization__slug"]
    exclude = ["digest"]


@admin.register(ScimToken)
class ScimTokenAdmin(History):
    list_display = ["hint", "name", "organization", "created_by", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["organization", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "created_by"]
    search_fields = ["hint", "name"]
    exclude = ["digest"]


@admin.register(ScimUser)
class ScimUserAdmin(History):
    list_display = ["user_name", "user", "organization", "provisioned", "suspended", "deleted", "updated_at"]
    list_filter = ["organization", "suspended", "deleted"]
    list_select_related = ["organization", "user"]
    search_fields = ["user_name", "=external_id", "=user__username"]


@admin.register(ScimGroup)
class ScimGroupAdmin(History):
    list_display = ["team", "external_id", "created_at", "updated_at"]
    list_filter = ["team__organization"]
    list_select_related = ["team__organization"]
    search_fields = ["=team__slug", "=external_id"]


@admin.register(CodeGuess)
class CodeGuessAdmin(History):
    list_display = ["user", "at"]
    list_select_related = ["user"]
    search_fields = ["=user__username"]


@admin.register(ApiToken)
class ApiTokenAdmin(History):
    list_display = [
        "hint",
        "name",
        "user",
        "scopes",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user"]
    search_fields = ["hint", "name", "user__username"]
    exclude = ["digest"]
    actions = ["revoke"]

    @admin.action(description="Revoke")
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        revoked(self, request, tokens)


@admin.register(DeviceGrant)
class DeviceGrantAdmin(History):
    list_display = ["__str__", "user", "address", "scopes", "created_at", "expires_at"]
    list_filter = ["state"]
    list_select_related = ["user"]
    search_fields = ["user__username", "device_name"]
    exclude = ["device_digest", "user_digest"]


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


@admin.register(IdentityProvider)
class IdentityProviderAdmin(ReadOnly, Admin):
    list_display = ["organization", "protocol", "issuer", "active", "enforced", "tested_at"]
    list_filter = ["protocol", "active", "enforced"]
    list_select_related = ["organization"]
    search_fields = ["organization__slug", "issuer"]
    exclude = ["client_secret", "own_key"]


@admin.register(GroupMapping)
class GroupMappingAdmin(ReadOnly, Admin):
    list_display = ["group", "team", "provider"]
    list_select_related = ["team__organization", "provider__organization"]
    search_fields = ["group", "=team__slug"]


@admin.register(Domain)
class DomainAdmin(ReadOnly, Admin):
    list_display = ["name", "organization", "verified_at"]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__slug"]
    exclude = ["proof"]


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
        actor = signed_in(request.user)
        rows = deliveries.select_related("webhook__organization")
        for_each(self, request, rows, lambda row: webhooks.redeliver(actor=actor, delivery=row), "queued")


@admin.register(EmailAddress)
class EmailAddressAdmin(History):
    list_display = ["email", "user", "primary", "verified"]
    list_filter = ["verified"]
    list_select_related = ["user"]
    search_fields = ["email", "=user__username"]


@admin.register(SocialAccount)
class SocialAccountAdmin(History):
    """Who is whom at an organization's identity provider."""

    list_display = ["user", "provider", "uid", "date_joined", "last_login"]
    list_select_related = ["user"]
    search_fields = ["=uid", "=user__username"]
    exclude = ["extra_data"]


@admin.register(Authenticator)
class AuthenticatorAdmin(History):
    list_display = ["user", "type", "created_at", "last_used_at"]
    list_filter = ["type"]
    list_select_related = ["user"]
    search_fields = ["=user__username"]
    exclude = ["data"]
    actions = ["take_away"]

    @admin.action(description="Take away, from who has lost it", permissions=["edit"])
    def take_away(self, request: HttpRequest, rows: QuerySet[Authenticator]) -> None:
        actor = signed_in(request.user)
        for_each(self, request, rows, lambda row: remove_factor(actor=actor, factor=row), "taken away")

    def has_edit_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.change_user")


@admin.register(UserSession)
class UserSessionAdmin(History):
    list_display = ["user", "ip", "user_agent", "created_at", "last_seen_at"]
    list_select_related = ["user"]
    search_fields = ["=user__username", "=ip"]
    exclude = ["session_key", "data"]
