"""`slices/ORG/NAME/roles/`: what users and teams may do in a slice."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.idempotency import idempotent
from accounts.scopes import ADMIN, READ
from accounts.services import role_in
from gitslice.common.errors import PermissionDenied
from gitslice.common.pagination import Page, listing, whole_key
from slices.api import schemas
from slices.api.access import visible_slice
from slices.granting import grant_role, revoke_role
from slices.models import SliceRole
from slices.roles import name_of


class GivenRole(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=160, help_text="a user name, or team:slug")
    role = serializers.ChoiceField(choices=SliceRole.Role.values)


class RoleListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(
        operation_id="list_slice_roles",
        parameters=schemas.PAGE,
        responses=schemas.RolePage,
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        """In the order in which they were given. For members: who else reads a public slice is not told who is who."""
        slice = visible_slice(request.user, org, name)
        if role_in(signed_in(request.user), slice.organization) is None:
            raise PermissionDenied(f"only members of {slice.organization} see roles")
        page = Page(request.query_params)
        rows = SliceRole.objects.filter(slice=slice).select_related("user", "team").order_by("pk")
        if page.after is not None:
            rows = rows.filter(pk__gt=whole_key(page.after))
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda role: role.pk)
        return Response(listing(map(role_body, shown), cursor))

    @extend_schema(
        operation_id="grant_slice_role", request=GivenRole, responses=schemas.Role, tags=["slices"]
    )
    def post(self, request: Request, org: str, name: str) -> Response:
        """Give a member or a team a role, instead of the one before."""
        slice = visible_slice(request.user, org, name)
        body = GivenRole(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            role = grant_role(actor=signed_in(request.user), slice=slice, **body.validated_data)
            return 200, role_body(role)

        return idempotent(request, repr(sorted(body.validated_data.items())).encode(), perform)


class RoleView(APIView):
    scopes = {"DELETE": ADMIN}

    @extend_schema(operation_id="revoke_slice_role", responses={204: None}, tags=["slices"])
    def delete(self, request: Request, org: str, name: str, holder: str) -> Response:
        """`holder` is a user name, or team:slug."""
        slice = visible_slice(request.user, org, name)
        revoke_role(actor=signed_in(request.user), slice=slice, name=holder)
        return Response(status=204)


def role_body(role: SliceRole) -> dict[str, Any]:
    """`active` is false for who is deactivated: the role has no effect."""
    return {
        "name": name_of(role),
        "kind": "user" if role.user else "team",
        "role": role.role,
        "active": role.user.is_active if role.user else True,
    }
