"""`Idempotency-Key`: the same request, sent again, gets the same answer and changes nothing.

The key's row is inserted in the transaction of the mutation itself. A second request with the key waits on the unique
index until the first commits, then finds the stored answer; if the first fails, its row is gone and the second runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import IdempotencyKey
from gitslice.common.errors import IdempotencyMismatch, InvalidRequest
from gitslice.common.secrets import seal, unseal

HEADER = "Idempotency-Key"
MAX_KEY_LENGTH = 128


def idempotent(
    request: Request, content: bytes, perform: Callable[[], tuple[int, dict[str, Any]]]
) -> Response:
    """Run `perform` once per key. `content` is what makes requests the same, besides method and path.

    Without the header `perform` simply runs. Raises IdempotencyMismatch when the key came with another request.
    """
    key, user_id = request.headers.get(HEADER), request.user.pk
    if not key or user_id is None:
        status, body = perform()
        return Response(body, status=status)
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequest(f"{HEADER} is longer than {MAX_KEY_LENGTH} characters")
    fingerprint = _fingerprint(request, content)
    with transaction.atomic():
        if _claim(user_id, key, fingerprint):
            status, body = perform()
            IdempotencyKey.objects.filter(user_id=user_id, key=key).update(status=status, body=body)
            return Response(body, status=status)
        known = IdempotencyKey.objects.get(user_id=user_id, key=key)
    if bytes(known.fingerprint) != fingerprint:
        raise IdempotencyMismatch(f"the key {key!r} belongs to another request")
    return Response(known.body, status=known.status, headers={"Idempotent-Replay": "true"})


def idempotent_secret(
    request: Request, content: bytes, perform: Callable[[], tuple[dict[str, Any], str]]
) -> Response:
    """As `idempotent`, for something new with a secret, which is kept sealed for the same request sent again."""

    def sealed() -> tuple[int, dict[str, Any]]:
        body, secret = perform()
        return 201, body | {"secret": seal(secret)}

    response = idempotent(request, content, sealed)
    response.data["secret"] = unseal(response.data["secret"])
    return response


def _claim(user_id: int, key: str, fingerprint: bytes) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_idempotencykey (user_id, key, fingerprint, created_at)"
            " VALUES (%s, %s, %s, clock_timestamp()) ON CONFLICT (user_id, key) DO NOTHING",
            [user_id, key, fingerprint],
        )
        return cursor.rowcount == 1


def _fingerprint(request: Request, content: bytes) -> bytes:
    """A token gets its own answers again, and none of another, which may see and do more."""
    token = getattr(request.auth, "pk", "")
    return hashlib.sha256(f"{request.method} {request.path} {token}\n".encode() + content).digest()
