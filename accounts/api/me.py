from __future__ import annotations

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import signed_in
from accounts.api.tokens import token_bodies
from accounts.models import ApiToken, Organization
from accounts.scopes import ANY
from accounts.token_limits import limit_of
from gitslice import __version__


class MeView(APIView):
    """Who the caller is."""

    scopes = {"GET": ANY}

    @extend_schema(operation_id="me", responses=OpenApiTypes.OBJECT, tags=["orgs"])
    def get(self, request: Request) -> Response:
        user = signed_in(request.user)
        memberships = user.memberships.select_related("organization").order_by("organization__slug")
        if limit_of(user) is not None:
            memberships = memberships.filter(organization__in=Organization.objects.visible_to(user))
        token = token_bodies([request.auth], user)[0] if isinstance(request.auth, ApiToken) else None
        return Response(
            {
                "user": user.username,
                "email": user.email,
                "organizations": [{"organization": m.organization.slug, "role": m.role} for m in memberships],
                "token": token,
                "server": {"version": __version__},
            }
        )
