"""The addresses of single sign-on. The names are allauth's where it looks for them."""

from allauth.socialaccount import views as allauth
from django.urls import path

from accounts.sso.views import answers, entrance, settings

urlpatterns = [
    path("sso/", entrance.discover, name="sso"),
    path("sso/claim/", entrance.claim, name="sso_claim"),
    path("sso/to/<str:org>/", entrance.start, name="sso_start"),
    path("sso/cancelled/", allauth.login_cancelled, name="socialaccount_login_cancelled"),
    path("sso/error/", allauth.login_error, name="socialaccount_login_error"),
    path("account/connections/", allauth.connections, name="socialaccount_connections"),
    path("sso/oidc/<str:provider_id>/callback/", answers.oidc_callback, name="openid_connect_callback"),
    path("sso/saml/<str:organization_slug>/acs/", answers.saml_acs, name="saml_acs"),
    path("sso/saml/<str:organization_slug>/acs/finish/", answers.saml_finish, name="saml_finish_acs"),
    path("sso/saml/<str:organization_slug>/sls/", answers.saml_sls, name="saml_sls"),
    path("sso/saml/<str:organization_slug>/metadata/", answers.saml_metadata, name="saml_metadata"),
    path("<str:org>/sign-in/", settings.show, name="sso_settings"),
    path("<str:org>/sign-in/provider/", settings.change_provider, name="sso_provider"),
    path("<str:org>/sign-in/switch/", settings.switch, name="sso_switch"),
    path("<str:org>/sign-in/groups/", settings.change_groups, name="sso_groups"),
    path("<str:org>/sign-in/domains/", settings.change_domains, name="sso_domains"),
    path("<str:org>/sign-in/remove/", settings.remove, name="sso_remove"),
]
