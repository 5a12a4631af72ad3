from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.scopes import WRITE
from changesets.api.access import visible_changeset
from changesets.api.proposals import number_of, object_of
from conflicts.picking import PICKS
from conflicts.resolution import AUTO, CHOICES, OURS, THEIRS, Resolution, resolve_conflicts
from gitslice.common.errors import InvalidRequest
from slices.entries import MODES


class ResolutionBody(serializers.Serializer[Any]):
    path = serializers.CharField()
    choice = serializers.ChoiceField(choices=CHOICES)
    mode = serializers.ChoiceField(choices=["100644", "100755", "120000"], required=False)
    digest = serializers.CharField(
        required=False, help_text="of the content for `manual`; none deletes the file, unless there are hunks"
    )
    hunks = serializers.ListField(
        child=serializers.ChoiceField(choices=PICKS),
        required=False,
        help_text="what was chosen at each place, in order; makes the content of a `manual` one without a digest",
    )
    seen = serializers.CharField(
        required=False,
        allow_blank=True,
        help_text="digest of theirs that was looked at, empty for none; refused if it is another by now",
    )


class ResolveBody(serializers.Serializer[Any]):
    resolutions = ResolutionBody(many=True, required=False)
    all = serializers.ChoiceField(choices=[OURS, THEIRS, AUTO], required=False)
    expected_patchset = serializers.IntegerField(required=False, allow_null=True)


class ResolveView(APIView):
    """A new patchset on the head, with the conflicts resolved as chosen."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="resolve_conflicts",
        request=ResolveBody,
        responses=OpenApiTypes.OBJECT,
        tags=["conflicts"],
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        body = object_of(request.data)
        changeset, decisions = resolve_conflicts(
            actor=signed_in(request.user),
            changeset=visible_changeset(request.user, org, number),
            resolutions=_resolutions(body.get("resolutions", [])),
            for_all=_for_all(body.get("all")),
            expected_patchset=number_of(body, "expected_patchset"),
        )
        resolved = [{"path": path, "choice": choice} for path, choice in sorted(decisions.items())]
        return Response(
            {
                "changeset": str(changeset),
                "patchset": changeset.current.number,
                "files": changeset.current.file_count,
                "resolved": resolved,
                "remaining": list(changeset.conflicts.blocking().values_list("path", flat=True)),
            }
        )


def _resolutions(bodies: Any) -> list[Resolution]:
    if not isinstance(bodies, list):
        raise InvalidRequest("resolutions is a list")
    return [_resolution(object_of(body)) for body in bodies]


def _resolution(body: dict[str, Any]) -> Resolution:
    path, choice, mode, digest = (body.get(name) for name in ("path", "choice", "mode", "digest"))
    if not isinstance(path, str) or choice not in CHOICES:
        raise InvalidRequest(f"a resolution has a path and a choice of {', '.join(CHOICES)}")
    if mode is not None and mode not in MODES:
        raise InvalidRequest(f"{path}: mode is one of {', '.join(MODES)}")
    hunks, seen = body.get("hunks") or [], body.get("seen")
    if not isinstance(hunks, list) or any(pick not in PICKS for pick in hunks):
        raise InvalidRequest(f"{path}: hunks is a list of {', '.join(PICKS)}")
    if seen is not None and not isinstance(seen, str):
        raise InvalidRequest(f"{path}: seen is the digest of theirs")
    try:
        named = bytes.fromhex(digest) if digest is not None else None
    except (TypeError, ValueError):
        raise InvalidRequest(f"{path}: a digest is 64 hexadecimal digits") from None
    return Resolution(path, choice, mode, named, tuple(hunks), seen)


def _for_all(value: Any) -> str | None:
    if value is not None and value not in (OURS, THEIRS, AUTO):
        raise InvalidRequest("all is ours, theirs or auto")
    return value
