from __future__ import annotations

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.api.tokens import token_body
from accounts.models import ApiToken
from gitslice import __version__


class MeView(APIView):
    """Who the caller is."""

    @extend_schema(operation_id="me", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request) -> Response:
        user = signed_in(request.user)
        memberships = user.memberships.select_related("organization").order_by("organization__slug")
        return Response(
            {
                "user": user.username,
                "email": user.email,
                "organizations": [{"organization": m.organization.slug, "role": m.role} for m in memberships],
                "token": token_body(request.auth) if isinstance(request.auth, ApiToken) else None,
                "server": {"version": __version__},
            }
        )
