"""Where identity providers send people back to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import jwt
import requests
import xmlsec
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.saml.views import ACSView, FinishACSView, MetadataView, SLSView
from allauth.socialaccount.sessions import SessionStore
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt
from lxml.etree import LxmlError
from onelogin.saml2.errors import OneLogin_Saml2_Error

from accounts.sso.adapter import refuse
from accounts.sso.apps import find
from accounts.sso.errors import SignInRefused
from accounts.sso.leaving import check_names_this_session
from accounts.sso.models import IdentityProvider
from accounts.sso.oidc import OidcAdapter
from accounts.sso.saml import SamlProvider
from gitslice.common.addresses import neighbourhood
from gitslice.common.errors import PayloadTooLarge
from gitslice.common.limits import Limit, spend

MOST_POSTED = 512 << 10  # bytes of a SAML response: it is kept until the browser comes back with its cookies
MOST_ANSWERS = 120  # that one address posts in a minute, behind which there may be an office
KEPT_SECONDS = 600

log = logging.getLogger(__name__)

# What reading an answer raises that is not as the standard has it.
MALFORMED = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    jwt.PyJWTError,
    LxmlError,
    xmlsec.Error,
    OneLogin_Saml2_Error,
    requests.RequestException,
)


def oidc_callback(request: HttpRequest, provider_id: str) -> HttpResponse:
    adapter = _KeepingAdapter(request, provider_id)
    return _answered(request, provider_id, lambda: OAuth2CallbackView.adapter_view(adapter)(request))


class _KeepingAdapter(OidcAdapter):
    """Keeps the ID token for the sign-out."""

    def complete_login(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        login = super().complete_login(request, *args, **kwargs)
        request.sso_left = {"id_token": self.id_token}  # type: ignore[attr-defined]
        return login


class _Finish(FinishACSView):
    def get_provider(self, organization_slug: str) -> SamlProvider:
        return _Keeping(self.request, app=self.get_app(organization_slug))


class _Keeping(SamlProvider):
    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        login = super().sociallogin_from_response(request, response)
        request.sso_left = self.left  # type: ignore[attr-defined]
        return login


_acs, _finish, _sls, _metadata = (
    ACSView.as_view(),
    _Finish.as_view(),
    SLSView.as_view(),
    MetadataView.as_view(),
)


@csrf_exempt
def saml_acs(request: HttpRequest, organization_slug: str) -> HttpResponse:
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_POSTED:
        raise PayloadTooLarge("a SAML response is not that large")
    _existing(organization_slug)
    address = neighbourhood(request.META.get("REMOTE_ADDR") or "::")
    spend([Limit("saml", address, MOST_ANSWERS)])
    kept = SessionStore()
    kept.set_expiry(KEPT_SECONDS)
    request.saml_acs_session = kept  # type: ignore[attr-defined]  # where allauth looks for it
    return _acs(request, organization_slug=organization_slug)


def saml_finish(request: HttpRequest, organization_slug: str) -> HttpResponse:
    return _answered(
        request, organization_slug, lambda: _finish(request, organization_slug=organization_slug)
    )


def saml_sls(request: HttpRequest, organization_slug: str) -> HttpResponse:
    """The provider's requests to end a session: signed, or not heard. Its answers to ours tell nothing new, as the
    session has ended here before, and so lead back without being believed."""
    provider = _existing(organization_slug)
    if "SAMLRequest" not in request.GET:
        return HttpResponseRedirect(reverse("login"))
    if "Signature" not in request.GET:
        refuse(request, provider, SignInRefused("the request is not signed"))
    return _answered(request, organization_slug, lambda: _ended(request, provider))


def _ended(request: HttpRequest, provider: IdentityProvider) -> HttpResponse:
    check_names_this_session(request, provider)
    answer = _sls(request, organization_slug=provider.key)
    if answer.status_code == HTTPStatus.BAD_REQUEST:
        raise SignInRefused(f"the request was not accepted: {answer.content.decode()}")
    return answer


def saml_metadata(request: HttpRequest, organization_slug: str) -> HttpResponse:
    if not _existing(organization_slug).own_certificate:
        raise Http404  # of OpenID Connect
    return _metadata(request, organization_slug=organization_slug)


def _answered(request: HttpRequest, key: str, view: Callable[[], HttpResponse]) -> HttpResponse:
    """What the view answers, or why the identity provider's answer is refused."""
    provider = _existing(key)
    try:
        return view()
    except SocialApp.DoesNotExist:
        raise Http404 from None
    except SignInRefused as error:
        refuse(request, provider, error)
    except ImmediateHttpResponse:
        raise
    except MALFORMED as error:
        log.warning("the identity provider of %s: %r", provider.organization, error)
        refuse(request, provider, SignInRefused("the identity provider's answer makes no sense"))


def _existing(key: str) -> IdentityProvider:
    provider = find(key)
    if provider is None:
        raise Http404
    return provider
