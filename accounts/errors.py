from gitslice.common.errors import DomainError, InvalidRequest, NotFound


class OrganizationNotFound(DomainError):
    code = "organization_not_found"
    hint = "check the name; you may also lack access"


class LastOwner(DomainError):
    code = "last_owner"
    hint = "make somebody else an owner first"


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
