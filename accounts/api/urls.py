from django.urls import path

from accounts.api import deliveries, me, oauth, organizations, service_accounts, tokens, webhooks

SERVICE_ACCOUNTS = "orgs/<str:org>/service-accounts/"
SERVICE_ACCOUNT = SERVICE_ACCOUNTS + "<str:name>/"
WEBHOOK = "webhooks/<str:org>/<int:webhook_id>/"

urlpatterns = [
    path("me/", me.MeView.as_view(), name="me"),
    path("orgs/", organizations.OrganizationListView.as_view(), name="organizations"),
    path("orgs/<str:org>/", organizations.OrganizationView.as_view(), name="organization"),
    path("orgs/<str:org>/members/", organizations.MemberListView.as_view(), name="members"),
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
