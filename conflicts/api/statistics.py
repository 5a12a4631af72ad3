from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter, OpenApiTypes, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import own_organization, signed_in
from accounts.scopes import READ
from conflicts.statistics import statistics
from gitslice.common.errors import InvalidRequest
from slices.global_state.reading import Sight

MOST_DAYS = 366


class StatisticsView(APIView):
    """Landings, conflicts, global commits and latencies, by day and by slice."""

    scopes = {"GET": READ}

    @extend_schema(
        operation_id="global_statistics",
        parameters=[
            OpenApiParameter("days", int, description="how many days back, today included; 30 by default")
        ],
        responses=OpenApiTypes.OBJECT,
        tags=["global"],
    )
    def get(self, request: Request, org: str) -> Response:
        user = signed_in(request.user)
        organization = own_organization(user, org)
        return Response(statistics(Sight(user, organization), _days(request)))


def _days(request: Request) -> int:
    text = request.query_params.get("days", "30")
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text[:9]) <= MOST_DAYS:
        raise InvalidRequest(f"days is a number from 1 to {MOST_DAYS}")
    return int(text)
