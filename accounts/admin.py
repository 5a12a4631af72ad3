from allauth.account.decorators import secure_admin_login
from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts.api.access import signed_in
from accounts.models import (
    ApiToken,
    AuditEvent,
    Domain,
    IdentityProvider,
    Membership,
    Organization,
    Team,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.webhooks import services as webhooks
from gitslice.common.errors import DomainError

admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]  # one way in for all
admin.site.unregister(
    [Group, SocialApp, SocialToken]
)  # providers are organizations'; their tokens are not kept
admin.site.register(User, DjangoUserAdmin)


class MembershipInline(admin.TabularInline):
    model = Membership
    autocomplete_fields = ["user"]
    extra = 0


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ["slug", "name", "created_at"]
    search_fields = ["slug", "name"]
    inlines = [MembershipInline]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # an organization needs an owner and a root slice: manage.py bootstrap, or the API


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ["slug", "organization", "name"]
    list_filter = ["organization"]
    search_fields = ["slug", "name"]
    autocomplete_fields = ["members"]


class ReadOnly:
    """What is looked at, and never changed by hand."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["hint", "name", "user", "created_at", "last_used_at", "expires_at", "revoked_at"]
    search_fields = ["hint", "name", "user__username"]
    exclude = ["digest"]


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["at", "actor", "action", "object", "address"]
    list_filter = ["action", "organization"]
    search_fields = ["object", "actor__username"]
    list_select_related = ["actor"]
    show_full_result_count = False


@admin.register(IdentityProvider)
class IdentityProviderAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["organization", "protocol", "issuer", "active", "enforced", "tested_at"]
    list_filter = ["protocol", "active", "enforced"]
    list_select_related = ["organization"]
    search_fields = ["organization__slug", "issuer"]
    exclude = ["client_secret", "own_key"]


@admin.register(Domain)
class DomainAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["name", "organization", "verified_at"]
    list_select_related = ["organization"]
    search_fields = ["name", "organization__slug"]
    exclude = ["proof"]


@admin.register(Webhook)
class WebhookAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["__str__", "organization", "url", "topics", "active", "created_by", "created_at"]
    list_filter = ["active", "organization"]
    list_select_related = ["organization", "created_by"]
    search_fields = ["url"]
    exclude = ["secret", "old_secret"]


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ["uuid", "webhook", "kind", "state", "attempts", "last_status", "last_error", "created_at"]
    list_filter = ["state", "webhook__organization"]
    list_select_related = ["webhook"]
    search_fields = ["uuid"]
    show_full_result_count = False
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
