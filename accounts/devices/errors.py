"""Errors of the token endpoint, by the names that RFC 6749, 5.2 and RFC 8628, 3.5 give them."""

from __future__ import annotations


class OAuthError(Exception):
    """What is wrong with a program's question; `code` is for programs, the text for people."""

    code = "invalid_request"
    status = 400


class InvalidClient(OAuthError):
    code = "invalid_client"
    status = 401


class InvalidScope(OAuthError):
    code = "invalid_scope"


class InvalidGrant(OAuthError):
    code = "invalid_grant"


class UnsupportedGrantType(OAuthError):
    code = "unsupported_grant_type"


class AuthorizationPending(OAuthError):
    code = "authorization_pending"


class SlowDown(OAuthError):
    code = "slow_down"


class AccessDenied(OAuthError):
    code = "access_denied"


class ExpiredToken(OAuthError):
    code = "expired_token"
