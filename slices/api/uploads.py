from __future__ import annotations

from typing import BinaryIO

from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.access import uploading_organization
from accounts.scopes import WRITE
from gitslice.objects.services import store_pack

PACK_MEDIA_TYPE = "application/x-gitslice-pack"


class UploadView(APIView):
    """Blobs in, as one pack. The answer does not tell which of them were known before."""

    scopes = {"POST": WRITE}
    max_body = "GITSLICE_MAX_PACK_BYTES"

    @extend_schema(
        operation_id="upload_pack",
        request={PACK_MEDIA_TYPE: OpenApiTypes.BINARY},
        responses={201: OpenApiTypes.OBJECT},
        tags=["uploads"],
    )
    def post(self, request: Request, org: str) -> Response:
        organization, quota = uploading_organization(request.user, org)
        body = _body(request)
        quota.require_room(_announced(request))
        stored = store_pack(
            user=request.user, organization=organization, stream=body, admit=quota.require_room
        )
        answer = {"pack": bytes(stored.pack.digest).hex(), "blobs": stored.blob_count, "bytes": stored.size}
        return Response(answer, status=201)


def _announced(request: Request) -> int:
    """Bytes that the body will have; 1 at least, where nothing says."""
    announced = request.META.get("CONTENT_LENGTH") or "1"
    return int(announced) if announced.isdecimal() else 1


def _body(request: Request) -> BinaryIO:
    """The body as a stream that nobody buffers; of known length, or in chunks that the web server has put together."""
    if request.content_type.partition(";")[0] != PACK_MEDIA_TYPE:
        raise UnsupportedMediaType(request.content_type)
    wsgi = request._request
    if "CONTENT_LENGTH" not in wsgi.META and wsgi.META.get("wsgi.input_terminated"):
        return wsgi.META["wsgi.input"]
    return wsgi  # type: ignore[return-value]
