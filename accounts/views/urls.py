"""The addresses of people: one's own page, and those of an organization."""

from django.urls import path, re_path

from accounts.views import invitations, members, organization, profile, service_accounts, teams, webhooks

app_name = "people"

MEMBER = "<str:org>/people/<str:username>/"
TEAM = "<str:org>/teams/<str:slug>/"
ACCOUNT = "<str:org>/service-accounts/<str:name>/"
WEBHOOK = "<str:org>/webhooks/<int:webhook_id>/"
INVITATION = "<str:org>/invitations/<int:invitation_id>/"

urlpatterns = [
    path("profile/", profile.profile, name="profile"),
    path("profile/tokens/", profile.new_token, name="new-token"),
    path("profile/tokens/<int:token_id>/revoke/", profile.revoke_token, name="revoke-token"),
    re_path(r"^invitations/(?P<token>[A-Za-z0-9_-]{43})/$", invitations.join, name="join"),
    path("<str:org>/people/", members.members, name="members"),
    path(f"{MEMBER}role/", members.change_role, name="member-role"),
    path(f"{MEMBER}remove/", members.remove, name="member-remove"),
    path(f"{MEMBER}deactivate/", members.deactivate, name="member-deactivate"),
    path(f"{MEMBER}reactivate/", members.reactivate, name="member-reactivate"),
    path("<str:org>/invitations/", invitations.invitations, name="invitations"),
    path(f"{INVITATION}resend/", invitations.resend, name="invitation-resend"),
    path(f"{INVITATION}revoke/", invitations.revoke, name="invitation-revoke"),
    path("<str:org>/teams/", teams.all_teams, name="teams"),
    path(TEAM, teams.team, name="team"),
    path(f"{TEAM}delete/", teams.delete, name="team-delete"),
    path(f"{TEAM}add/", teams.add, name="team-add"),
    path(f"{TEAM}remove/", teams.remove, name="team-remove"),
    path("<str:org>/service-accounts/", service_accounts.service_accounts, name="service-accounts"),
    path(ACCOUNT, service_accounts.service_account, name="service-account"),
    path(f"{ACCOUNT}deactivate/", service_accounts.deactivate, name="service-account-deactivate"),
    path(f"{ACCOUNT}reactivate/", service_accounts.reactivate, name="service-account-reactivate"),
    path(
        f"{ACCOUNT}tokens/<int:token_id>/revoke/",
        service_accounts.revoke_token,
        name="service-account-revoke-token",
    ),
    path("<str:org>/webhooks/", webhooks.webhooks, name="webhooks"),
    path(WEBHOOK, webhooks.webhook, name="webhook"),
    path(f"{WEBHOOK}rotate/", webhooks.rotate, name="webhook-rotate"),
    path(f"{WEBHOOK}delete/", webhooks.delete, name="webhook-delete"),
    path(f"{WEBHOOK}ping/", webhooks.ping, name="webhook-ping"),
    path(f"{WEBHOOK}deliveries/<uuid:delivery_id>/", webhooks.redeliver, name="webhook-redeliver"),
    path("<str:org>/settings/", organization.settings, name="settings"),
    path("<str:org>/settings/scim/", organization.new_scim_token, name="new-scim-token"),
    path(
        "<str:org>/settings/scim/<int:token_id>/revoke/",
        organization.revoke_scim_token,
        name="revoke-scim-token",
    ),
]
