from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.access import own_organization, signed_in, visible_organization
from accounts.idempotency import idempotent
from accounts.models import Membership, Organization, User
from accounts.scopes import ADMIN, READ
from gitslice.common.errors import NotFound
from gitslice.common.pagination import Page, listing


class NewOrganization(serializers.Serializer[Any]):
    organization = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class NewMember(serializers.Serializer[Any]):
    user = serializers.CharField(max_length=150)
    role = serializers.ChoiceField(choices=Membership.Role.choices, default=Membership.Role.MEMBER)


class OrganizationListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_organizations", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request) -> Response:
        page = Page(request.query_params)
        rows = Organization.objects.visible_to(signed_in(request.user))
        shown, cursor = page.cut(list(_after(rows, page)), lambda organization: organization.slug)
        return Response(listing(map(organization_body, shown), cursor))

    @extend_schema(
        operation_id="create_organization",
        request=NewOrganization,
        responses={201: OpenApiTypes.OBJECT},
        tags=["orgs"],
    )
    def post(self, request: Request) -> Response:
        user = signed_in(request.user)
        body = NewOrganization(data=request.data)
        body.is_valid(raise_exception=True)

        def perform() -> tuple[int, dict[str, Any]]:
            organization = services.create_organization(
                slug=body.validated_data["organization"], name=body.validated_data["name"], owner=user
            )
            return 201, organization_body(organization)

        return idempotent(request, repr(sorted(body.validated_data.items())).encode(), perform)


class OrganizationView(APIView):
    scopes = {"GET": READ}

    @extend_schema(operation_id="get_organization", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        return Response(organization_body(visible_organization(request.user, org)))


class MemberListView(APIView):
    """Members are shown to members only."""

    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_members", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        organization = own_organization(signed_in(request.user), org)
        page = Page(request.query_params)
        rows = organization.memberships.select_related("user").order_by("user__username")
        if page.after is not None:
            rows = rows.filter(user__username__gt=page.after)
        shown, cursor = page.cut(list(rows[: page.limit + 1]), lambda membership: membership.user.username)
        return Response(listing(map(member_body, shown), cursor))

    @extend_schema(
        operation_id="add_member", request=NewMember, responses={201: OpenApiTypes.OBJECT}, tags=["orgs"]
    )
    def post(self, request: Request, org: str) -> Response:
        actor = signed_in(request.user)
        organization = own_organization(actor, org)
        body = NewMember(data=request.data)
        body.is_valid(raise_exception=True)
        user = User.objects.filter(username=body.validated_data["user"], is_active=True).first()
        if user is None:
            raise NotFound(f"there is no user {body.validated_data['user']!r}")
        membership = services.add_member(
            actor=actor, organization=organization, user=user, role=body.validated_data["role"]
        )
        return Response(member_body(membership), status=201)


def organization_body(organization: Organization) -> dict[str, Any]:
    return {
        "organization": organization.slug,
        "name": organization.name,
        "created_at": organization.created_at.isoformat(),
    }


def member_body(membership: Membership) -> dict[str, Any]:
    user = membership.user
    kind = "service_account" if user.service_of_id else "person"
    return {"user": user.username, "role": membership.role, "kind": kind, "active": user.is_active}


def _after(rows: QuerySet[Organization], page: Page) -> QuerySet[Organization]:
    if page.after is not None:
        rows = rows.filter(slug__gt=page.after)
    return rows.order_by("slug")[: page.limit + 1]
