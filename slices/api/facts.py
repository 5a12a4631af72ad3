"""What there is to know about one slice: status, owners, definition versions, overlaps."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.scopes import READ
from gitslice.common.pagination import Page, listing, text_key, whole_key
from slices.api import schemas
from slices.api.access import visible_slice
from slices.overlaps import Overlap, candidates, overlaps
from slices.reading import definition_body, owners_body, slice_status


class StatusView(APIView):
    scopes = {"GET": READ}

    @extend_schema(operation_id="slice_status", responses=schemas.Status, tags=["slices"])
    def get(self, request: Request, org: str, name: str) -> Response:
        return Response(slice_status(visible_slice(request.user, org, name)))


class OwnersView(APIView):
    """Everybody with a role in the slice, owners (maintainers) first."""

    scopes = {"GET": READ}

    @extend_schema(operation_id="slice_owners", responses=schemas.Owners, tags=["slices"])
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        return Response({"slice": str(slice), "owners": owners_body(slice)})


class DefinitionsView(APIView):
    """All versions of the definition, newest first."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_definitions",
        parameters=schemas.PAGE,
        responses=schemas.DefinitionPage,
        tags=["slices"],
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        page = Page(request.query_params)
        versions = slice.definitions.select_related("author").order_by("-version")
        if page.after is not None:
            versions = versions.filter(version__lt=whole_key(page.after))
        shown, cursor = page.cut(list(versions[: page.limit + 1]), lambda definition: definition.version)
        return Response(listing(map(definition_body, shown), cursor))


class OverlapsView(APIView):
    """Other slices, of those that the caller may see, that share files with this one; root is left out."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="slice_overlaps", parameters=schemas.PAGE, responses=schemas.OverlapPage, tags=["slices"]
    )
    def get(self, request: Request, org: str, name: str) -> Response:
        slice = visible_slice(request.user, org, name)
        page = Page(request.query_params)
        others = candidates(slice, request.user)
        if page.after is not None:
            others = others.filter(name__gt=text_key(page.after))
        shown, cursor = page.cut(list(others[: page.limit + 1]), lambda other: other.name)
        return Response(listing(map(_overlap_body, overlaps(slice, shown)), cursor))


def _overlap_body(overlap: Overlap) -> dict[str, Any]:
    return {"slice": str(overlap.slice), "paths": overlap.paths, "path_count": overlap.path_count}
