"""Reads a patchset from a request: JSON, or for big ones a line of JSON for the changeset and a line for every edit."""

from __future__ import annotations

from typing import IO, Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.parsers import BaseParser

from changesets.edits import WantedEdit, parse_edits
from changesets.errors import InvalidEdit, PatchsetTooLarge
from changesets.services import Proposal
from gitslice.common.errors import InvalidRequest
from gitslice.common.rendering import ORJSONParser, parse_json, read_limited

MAX_LINES_BYTES = 64 << 20


class LinesParser(BaseParser):
    """`application/x-ndjson`: gives the same object as the JSON body, with the edits under `edits`."""

    media_type = "application/x-ndjson"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        first, _, rest = read_limited(stream, MAX_LINES_BYTES).partition(b"\n")
        body = parse_json(first)
        if not isinstance(body, dict):
            raise InvalidRequest("the first line is an object")
        lines = rest.splitlines()
        if len(lines) > settings.GITSLICE_MAX_EDITS:
            raise PatchsetTooLarge(f"{len(lines)} edits; at most {settings.GITSLICE_MAX_EDITS} are allowed")
        body["edits"] = [parse_json(line) for line in lines if line.strip()]
        return body


PARSERS = [ORJSONParser, LinesParser]


class EditBody(serializers.Serializer[Any]):
    """One edit, as the schema shows it."""

    op = serializers.ChoiceField(choices=["add", "modify", "delete", "rename", "chmod"])
    path = serializers.CharField()
    mode = serializers.ChoiceField(choices=["100644", "100755", "120000"], required=False)
    digest = serializers.CharField(required=False, help_text="SHA-256 of the content, hexadecimal")
    renamed_from = serializers.CharField(required=False)


class PatchsetBody(serializers.Serializer[Any]):
    base = serializers.CharField(
        required=False, allow_null=True, help_text="commit id, prefix or HEAD; null: empty tree"
    )
    edits = EditBody(many=True)
    message = serializers.CharField(required=False, allow_blank=True)
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)
    amend = serializers.BooleanField(
        required=False,
        default=False,
        help_text="add the edits to those of the current patchset; without a base they are made on the changeset",
    )


class ChangesetBody(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=500)
    description = serializers.CharField(required=False, allow_blank=True)
    base = serializers.CharField(
        required=False, allow_null=True, help_text="commit id, prefix or HEAD; null: empty tree"
    )
    edits = EditBody(many=True)
    reviewers = serializers.ListField(child=serializers.CharField(), required=False)
    merge = serializers.BooleanField(required=False, default=False)


def read_proposal(body: Any) -> Proposal:
    """The base and the edits of a body. Without `base`, the slice's head."""
    edits = edits_of(body)
    base = body.get("base", "HEAD")
    if base is not None and not isinstance(base, str):
        raise InvalidRequest("base is a commit id, HEAD or null")
    return Proposal(base, edits)


def edits_of(body: Any) -> list[WantedEdit]:
    if not isinstance(body, dict) or not isinstance(body.get("edits"), list):
        raise InvalidEdit("the body is an object with a list of edits")
    return parse_edits(body["edits"])


def text_of(body: dict[str, Any], name: str, default: str = "") -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or "\0" in value:
        raise InvalidRequest(f"{name} is a text without NUL characters")
    return value


def number_of(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise InvalidRequest(f"{name} is a whole number")
    return value


def flag_of(body: dict[str, Any], name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise InvalidRequest(f"{name} is true or false")
    return value


def object_of(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise InvalidRequest("the body is an object")
    return body
