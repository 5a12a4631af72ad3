from gitslice.common.errors import DomainError, InvalidRequest, NotFound, PermissionDenied


class OrganizationNotFound(DomainError):
    code = "organization_not_found"
    hint = "check the name; you may also lack access"


class LastOwner(DomainError):
    code = "last_owner"
    hint = "make somebody else an owner first"


class QuotaExceeded(DomainError):
    """Details: `quota` (bytes, slices or members), `used`, `limit`."""

    code = "quota_exceeded"
    hint = "administrators of this server set the quotas of organizations"


class NestedTooDeep(InvalidRequest):
    hint = "a team has at most one parent, which has none itself"


class InvalidUrl(InvalidRequest):
    hint = "give the URL that answers to POST, such as https://hooks.example.com/gitslice"


class WebhookNotFound(NotFound):
    """No such webhook in the organization."""


class DeliveryNotFound(NotFound):
    """No such delivery of the webhook, or none any more."""


class WebhookInactive(InvalidRequest):
    hint = 'make it active first: PATCH {"active": true}'


class InsufficientScope(PermissionDenied):
    code = "insufficient_scope"
    hint = "use a token that has it: gs token create NAME --scope SCOPE"


class TokenTooNarrow(PermissionDenied):
    hint = "sign in with a token that is not narrowed: gs auth login"


class UnknownSlice(DomainError):
    code = "slice_not_found"


class ServiceAccountNotFound(NotFound):
    """No such service account in the organization."""


class TooManyGuesses(DomainError):
    code = "rate_limited"
    hint = "wait, then take the code from the program once more"


class UnknownCode(NotFound):
    hint = "codes hold for some minutes: start again with gs auth login"
