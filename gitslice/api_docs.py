"""The readable page of the API's description."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response

from gitslice.common.pages import DRAWN_POLICY


class ApiDocsView(SpectacularSwaggerSplitView):
    @extend_schema(exclude=True)
    def get(self, request: Request, *arguments: Any, **options: Any) -> Response:
        response = super().get(request, *arguments, **options)
        response["Content-Security-Policy"] = DRAWN_POLICY
        return response
