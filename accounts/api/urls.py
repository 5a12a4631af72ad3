from django.urls import path

from accounts.api import audit, deliveries, me, organizations, tokens, webhooks

WEBHOOK = "webhooks/<str:org>/<int:webhook_id>/"

urlpatterns = [
    path("audit/<str:org>/", audit.AuditListView.as_view(), name="audit-events"),
    path("audit/<str:org>/export/", audit.AuditExportView.as_view(), name="audit-export"),
    path("me/", me.MeView.as_view(), name="me"),
    path("orgs/", organizations.OrganizationListView.as_view(), name="organizations"),
    path("orgs/<str:org>/", organizations.OrganizationView.as_view(), name="organization"),
    path("orgs/<str:org>/members/", organizations.MemberListView.as_view(), name="members"),
    path("tokens/", tokens.TokenListView.as_view(), name="tokens"),
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
