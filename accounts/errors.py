from gitslice.common.errors import DomainError


class OrganizationNotFound(DomainError):
    code = "organization_not_found"
    hint = "check the name; you may also lack access"
