from __future__ import annotations

from typing import IO, Any

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import uploading_organization
from gitslice.objects.services import store_pack

PACK_MEDIA_TYPE = "application/x-gitslice-pack"


class PackParser(BaseParser):
    """Leaves the body as the stream it is: packs are never held in memory."""

    media_type = PACK_MEDIA_TYPE

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None
    ) -> IO[bytes]:
        return stream


class UploadView(APIView):
    """Blobs in, as one pack. The answer does not tell which of them were known before."""

    parser_classes = [PackParser]

    @extend_schema(
        operation_id="upload_pack",
        request={PACK_MEDIA_TYPE: OpenApiTypes.BINARY},
        responses={201: OpenApiTypes.OBJECT},
        tags=["uploads"],
    )
    def post(self, request: Request, org: str) -> Response:
        organization = uploading_organization(request.user, org)
        stored = store_pack(user=request.user, organization=organization, stream=request.data)
        body = {"pack": bytes(stored.pack.digest).hex(), "blobs": stored.blob_count, "bytes": stored.size}
        return Response(body, status=201)
