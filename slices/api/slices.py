"""Slices: list, create, look at, change, fork."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in, visible_organization
from accounts.idempotency import idempotent
from accounts.models import User
from accounts.scopes import ADMIN, READ, WRITE
from gitslice.common.errors import InvalidRequest
from gitslice.common.pagination import Page, listing, text_key
from slices import services
from slices.api import queries, schemas
from slices.api.access import visible_slice
from slices.models import Slice
from slices.reading import find_slices, slice_detail, slice_rows


class Text(serializers.CharField):
    """A text taken as it is, possibly empty."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, trim_whitespace=False, **options)


class Texts(serializers.ListField):
    child = Text()


class NewSlice(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    includes = Texts(help_text="patterns, anchored at the root of the tree")
    excludes = Texts(required=False, default=list)
    description = Text(required=False, default="")
    visibility = serializers.ChoiceField(Slice.Visibility.values, default=Slice.Visibility.ORGANIZATION)
    owners = Texts(required=False, default=list, help_text="user names and team:slug")


class EditedSlice(serializers.Serializer[Any]):
    includes = Texts(required=False)
    excludes = Texts(required=False)
    add = Texts(required=False, help_text="patterns to include as well")
    remove = Texts(required=False, help_text="includes to drop")
    description = Text(required=False)
    visibility = serializers.ChoiceField(Slice.Visibility.values, required=False)
    auto_merge = serializers.ChoiceField(Slice.AutoMerge.choices, required=False)
    conflicts = serializers.ChoiceField(Slice.ConflictPolicy.choices, required=False)
    required_approvals = serializers.IntegerField(required=False, min_value=0)
    overlap_approvals = serializers.ChoiceField(
        Slice.OverlapApprovals.choices,
        required=False,
        help_text="owners: of every other slice that covers a touched path, one must approve; for admins to set",
    )
    required_checks = Texts(required=False, help_text="names of the checks that must succeed; [] for none")
    locked = serializers.BooleanField(required=False)
    owners = Texts(required=False, help_text="user names and team:slug; these and nobody else")


class NewFork(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=64)
    folder = Text()
    description = Text(required=False, default="")


class SliceListView(APIView):
    """Slices that the caller may see, by organization and name."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="list_slices",
        parameters=[
            OpenApiParameter("org", description="only this organization's"),
            OpenApiParameter("search", description="text in the name or description"),
            OpenApiParameter(
                "mine", bool, description="only those where the caller or a team of the caller has a role"
            ),
            *schemas.PAGE,
        ],
        responses=schemas.SlicePage,
        tags=["slices"],
    )
    def get(self, request: Request) -> Response:
        page = Page(request.query_params)
        mine = queries.flag(request, "mine")
        user = signed_in(request.user) if mine else request.user
        organization, search = queries.text(request, "org"), queries.text(request, "search")
        rows = find_slices(user, organization=organization, search=search, mine=mine)
        found = list(slices_after(rows, page)[: page.limit + 1])
        shown, cursor = page.cut(found, lambda slice: [slice.organization.slug, slice.name])
        return Response(listing(slice_rows(shown), cursor))


class OrganizationSlicesView(APIView):
    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="create_slice", request=NewSlice, responses={201: schemas.SliceDetail}, tags=["slices"]
    )
    def post(self, request: Request, org: str) -> Response:
        actor = signed_in(request.user)
        organization = visible_organization(actor, org)
        wanted = _validated(NewSlice, request)

        def perform() -> tuple[int, dict[str, Any]]:
            slice = services.create_slice(actor=actor, organization=organization, **wanted)
            return 201, _detail(slice, actor)

        return idempotent(request, repr(sorted(wanted.items())).encode(), perform)


class SliceView(APIView):
    scopes = {"GET": READ, "PATCH": ADMIN}

    @extend_schema(operation_id="get_slice", responses=schemas.SliceDetail, tags=["slices"])
    def get(self, request: Request, org: str, name: str) -> Response:
        return Response(slice_detail(visible_slice(request.user, org, name), request.user))

    @extend_schema(
        operation_id="edit_slice", request=EditedSlice, responses=schemas.SliceDetail, tags=["slices"]
    )
    def patch(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        actor = signed_in(request.user)
        edit = services.SliceEdit(**_validated(EditedSlice, request))
        return Response(_detail(services.edit_slice(actor=actor, slice=slice, edit=edit), actor))


class ForkView(APIView):
    """A new slice of a folder of this one."""

    scopes = {"POST": WRITE}

    @extend_schema(
        operation_id="fork_slice", request=NewFork, responses={201: schemas.SliceDetail}, tags=["slices"]
    )
    def post(self, request: Request, org: str, name: str) -> Response:
        source = visible_slice(request.user, org, name)
        actor = signed_in(request.user)
        wanted = _validated(NewFork, request)

        def perform() -> tuple[int, dict[str, Any]]:
            return 201, _detail(services.fork_slice(actor=actor, source=source, **wanted), actor)

        return idempotent(request, repr(sorted(wanted.items())).encode(), perform)


def _detail(slice: Slice, actor: User) -> dict[str, Any]:
    """The detail as it is now in the database."""
    return slice_detail(
        Slice.objects.select_related("organization", "definition", "head").get(pk=slice.pk), actor
    )


def _validated(kind: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """The fields that came, checked; unknown ones are refused, so that a typo does not pass silently."""
    body = kind(data=request.data)
    body.is_valid(raise_exception=True)
    unknown = set(request.data) - set(body.fields)
    if unknown:
        raise InvalidRequest(f"unknown field {sorted(unknown)[0]!r}", fields=sorted(unknown))
    return dict(body.validated_data)


def slices_after(slices: QuerySet[Slice], page: Page) -> QuerySet[Slice]:
    """The rest of a list by organization and name, from where the page begins."""
    match page.after:
        case None:
            return slices
        case [str(), str()]:
            org, name = map(text_key, page.after)
            return slices.filter(Q(organization__slug__gt=org) | Q(organization__slug=org, name__gt=name))
    raise InvalidRequest("the cursor is not one of ours")
