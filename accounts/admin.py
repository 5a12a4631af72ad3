from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from accounts.models import ApiToken, AuditEvent, Membership, Organization, Team, User

admin.site.unregister(Group)
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
