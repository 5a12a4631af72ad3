from gitslice.common.errors import DomainError, InvalidRequest, PermissionDenied, Unauthenticated


class SignInRefused(PermissionDenied):
    """The identity provider vouches for somebody whom it may not sign in."""


class ProviderUnusable(InvalidRequest):
    """What is known of the identity provider does not work."""


class NoWayIn(InvalidRequest):
    """An organization that requires single sign-on would lock somebody out of an account that is not its alone."""

    hint = "they connect it on their account page before it is required, or are removed from the organization"


class SingleSignOnRequired(Unauthenticated):
    """A token of somebody who has to sign in through an organization's identity provider, and never did."""

    code = "sso_required"
    hint = "sign in once in the browser, through your organization; the token works again after that"


class ProviderAway(DomainError):
    code = "server_busy"
    hint = "try again in a moment"
