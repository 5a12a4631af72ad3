"""Errors with the words of RFC 7644, section 3.12."""

from __future__ import annotations

from gitslice.common.errors import InvalidRequest, NotFound


class ResourceNotFound(NotFound):
    """No such user or group."""


class InvalidFilter(InvalidRequest):
    scim_type = "invalidFilter"
    hint = 'filters are like: userName eq "ann@example.com"'


class InvalidPath(InvalidRequest):
    scim_type = "invalidPath"


class InvalidSyntax(InvalidRequest):
    scim_type = "invalidSyntax"


class InvalidValue(InvalidRequest):
    scim_type = "invalidValue"
