from django.urls import path

from accounts.api import (
    audit,
    deliveries,
    invitations,
    me,
    members,
    oauth,
    organizations,
    scim_tokens,
    service_accounts,
    teams,
    tokens,
    webhooks,
)

MEMBER = "orgs/<str:org>/members/<str:user>/"
SERVICE_ACCOUNTS = "orgs/<str:org>/service-accounts/"
SERVICE_ACCOUNT = SERVICE_ACCOUNTS + "<str:name>/"
TEAM = "teams/<str:org>/<str:team>/"
WEBHOOK = "webhooks/<str:org>/<int:webhook_id>/"

urlpatterns = [
    path("audit/<str:org>/", audit.AuditListView.as_view(), name="audit-events"),
    path("audit/<str:org>/export/", audit.AuditExportView.as_view(), name="audit-export"),
    path("me/", me.MeView.as_view(), name="me"),
    path("orgs/", organizations.OrganizationListView.as_view(), name="organizations"),
    path("orgs/<str:org>/", organizations.OrganizationView.as_view(), name="organization"),
    path(SERVICE_ACCOUNTS, service_accounts.ServiceAccountListView.as_view(), name="service-accounts"),
    path(SERVICE_ACCOUNT, service_accounts.ServiceAccountView.as_view(), name="service-account"),
    path(
        SERVICE_ACCOUNT + "tokens/",
        service_accounts.AccountTokenListView.as_view(),
        name="service-account-tokens",
    ),
    path(
        SERVICE_ACCOUNT + "tokens/<int:token_id>/",
        service_accounts.AccountTokenView.as_view(),
        name="service-account-token",
    ),
    path("oauth/device_authorization/", oauth.DeviceAuthorizationView.as_view(), name="device-authorization"),
    path("oauth/token/", oauth.DeviceTokenView.as_view(), name="device-token"),
    path("orgs/<str:org>/members/", members.MemberListView.as_view(), name="members"),
    path(MEMBER, members.MemberView.as_view(), name="member"),
    path(MEMBER + "deactivate/", members.DeactivateMemberView.as_view(), name="member-deactivate"),
    path(MEMBER + "reactivate/", members.ReactivateMemberView.as_view(), name="member-reactivate"),
    path("orgs/<str:org>/invitations/", invitations.InvitationListView.as_view(), name="invitations"),
    path(
        "orgs/<str:org>/invitations/<int:invitation_id>/",
        invitations.InvitationView.as_view(),
        name="invitation",
    ),
    path(
        "orgs/<str:org>/invitations/<int:invitation_id>/resend/",
        invitations.ResendView.as_view(),
        name="invitation-resend",
    ),
    path("invitations/accept/", invitations.AcceptView.as_view(), name="invitation-accept"),
    path("orgs/<str:org>/scim-tokens/", scim_tokens.ScimTokenListView.as_view(), name="scim-tokens"),
    path(
        "orgs/<str:org>/scim-tokens/<int:token_id>/", scim_tokens.ScimTokenView.as_view(), name="scim-token"
    ),
    path("teams/<str:org>/", teams.TeamListView.as_view(), name="teams"),
    path(TEAM, teams.TeamView.as_view(), name="team"),
    path(TEAM + "members/", teams.TeamMemberListView.as_view(), name="team-members"),
    path(TEAM + "members/<str:user>/", teams.TeamMemberView.as_view(), name="team-member"),
    path("users/<str:user>/deactivate/", members.DeactivateUserView.as_view(), name="user-deactivate"),
    path("users/<str:user>/reactivate/", members.ReactivateUserView.as_view(), name="user-reactivate"),
    path("tokens/", tokens.TokenListView.as_view(), name="tokens"),
    path("tokens/current/", tokens.OwnTokenView.as_view(), name="own-token"),
    path("tokens/<int:token_id>/", tokens.TokenView.as_view(), name="token"),
    path("webhooks/<str:org>/", webhooks.WebhookListView.as_view(), name="webhooks"),
    path(WEBHOOK, webhooks.WebhookView.as_view(), name="webhook"),
    path(WEBHOOK + "rotate/", webhooks.RotateView.as_view(), name="webhook-rotate"),
    path(WEBHOOK + "ping/", deliveries.PingView.as_view(), name="webhook-ping"),
    path(WEBHOOK + "deliveries/", deliveries.DeliveryListView.as_view(), name="webhook-deliveries"),
    path(
        WEBHOOK + "deliveries/<uuid:delivery_id>/redeliver/",
        deliveries.RedeliverView.as_view(),
        name="webhook-redeliver",
    ),
]
