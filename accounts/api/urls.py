from django.urls import path

from accounts.api import me, organizations, tokens

urlpatterns = [
    path("me/", me.MeView.as_view(), name="me"),
    path("orgs/", organizations.OrganizationListView.as_view(), name="organizations"),
    path("orgs/<str:org>/", organizations.OrganizationView.as_view(), name="organization"),
    path("orgs/<str:org>/members/", organizations.MemberListView.as_view(), name="members"),
    path("tokens/", tokens.TokenListView.as_view(), name="tokens"),
    path("tokens/<int:token_id>/", tokens.TokenView.as_view(), name="token"),
]
