from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import services
from accounts.api.access import administered_organization, signed_in, visible_organization
from accounts.idempotency import idempotent
from accounts.models import Organization
from accounts.people.members import rename_organization
from accounts.quotas.services import quotas_of
from accounts.scopes import ADMIN, READ
from gitslice.common.pagination import Page, listing, text_key


class NewOrganization(serializers.Serializer[Any]):
    organization = serializers.CharField(max_length=64)
    name = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")


class OrganizationChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200)


class OrganizationListView(APIView):
    scopes = {"GET": READ, "POST": ADMIN}

    @extend_schema(operation_id="list_organizations", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request) -> Response:
        """`role` is the caller's own; null where one only sees public slices."""
        page = Page(request.query_params)
        user = signed_in(request.user)
        rows = Organization.objects.visible_to(user)
        shown, cursor = page.cut(list(_after(rows, page)), lambda organization: organization.slug)
        own = dict(user.memberships.filter(organization__in=shown).values_list("organization_id", "role"))
        bodies = [organization_body(row) | {"role": own.get(row.pk)} for row in shown]
        return Response(listing(bodies, cursor))

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
    scopes = {"GET": READ, "PATCH": ADMIN}

    @extend_schema(operation_id="get_organization", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request, org: str) -> Response:
        """`quota`, for members: what the organization has of bytes, slices and members, and may have (null: any)."""
        organization = visible_organization(request.user, org)
        body = organization_body(organization)
        if request.user.is_authenticated and services.role_in(signed_in(request.user), organization):
            body["quota"] = {quota.kind: quota.figures for quota in quotas_of(organization)}
        return Response(body)

    @extend_schema(
        operation_id="change_organization",
        request=OrganizationChange,
        responses=OpenApiTypes.OBJECT,
        tags=["orgs"],
    )
    def patch(self, request: Request, org: str) -> Response:
        """The name that people read; the one in addresses stays."""
        organization = administered_organization(request.user, org)
        body = OrganizationChange(data=request.data)
        body.is_valid(raise_exception=True)
        changed = rename_organization(
            actor=signed_in(request.user), organization=organization, name=body.validated_data["name"]
        )
        return Response(organization_body(changed))


def organization_body(organization: Organization) -> dict[str, Any]:
    return {
        "organization": organization.slug,
        "name": organization.name,
        "created_at": organization.created_at.isoformat(),
    }


def _after(rows: QuerySet[Organization], page: Page) -> QuerySet[Organization]:
    if page.after is not None:
        rows = rows.filter(slug__gt=text_key(page.after))
    return rows.order_by("slug")[: page.limit + 1]
