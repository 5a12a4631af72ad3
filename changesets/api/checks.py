"""Checks, as CI systems report them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.scopes import READ, REVIEW
from changesets.api.access import visible_changeset
from changesets.checks import check_bodies, check_body, patchset_numbered, report_check
from changesets.models import Check
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import listing


class CheckBody(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    state = serializers.ChoiceField(Check.State.values)
    patchset = serializers.IntegerField(required=False, allow_null=True, help_text="default: the current one")
    url = serializers.CharField(required=False, allow_blank=True, help_text="where to read more")
    summary = serializers.CharField(required=False, allow_blank=True, max_length=1000)


class CheckListView(APIView):
    """Checks of a patchset, by name. A report replaces the one before of the same name: sent again, it changes nothing.

    Writers may report, but not of what they wrote themselves: CI systems use service accounts.
    """

    scopes = {"GET": READ, "POST": REVIEW}

    @extend_schema(
        operation_id="list_checks",
        parameters=[OpenApiParameter("patchset", int, description="default: the current one")],
        responses=OpenApiTypes.OBJECT,
        tags=["changesets"],
    )
    def get(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        text = request.query_params.get("patchset", "")
        if text and (not text.isdecimal() or len(text) > 9):
            raise InvalidRequest("patchset is a number")
        return Response(listing(check_bodies(patchset_numbered(changeset, int(text) if text else None))))

    @extend_schema(
        operation_id="report_check", request=CheckBody, responses=OpenApiTypes.OBJECT, tags=["changesets"]
    )
    def post(self, request: Request, org: str, number: int) -> Response:
        changeset = visible_changeset(request.user, org, number)
        body = CheckBody(data=request.data)
        body.is_valid(raise_exception=True)
        check = report_check(actor=signed_in(request.user), changeset=changeset, **body.validated_data)
        return Response(check_body(check, check.patchset))
