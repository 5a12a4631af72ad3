"""The REST API as a script uses it: plain HTTP, packs made by hand."""

from __future__ import annotations

import io
from typing import Any

import orjson
from django.test import Client

from gitslice_core.packs import PackReader, PackWriter

PACK = "application/x-gitslice-pack"


def pack_of(*contents: bytes) -> bytes:
    file = io.BytesIO()
    writer = PackWriter(file)
    for content in contents:
        writer.add(content)
    writer.finish()
    return file.getvalue()


def contents_of(pack: bytes) -> list[bytes]:
    reader = PackReader(io.BytesIO(pack))
    return [reader.content(blob) for blob in reader]


class Api:
    """Calls with one token (None: nobody). Paths are below /api/v1/."""

    def __init__(self, token: str | None) -> None:
        self._client = Client()
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, path: str, /, **query: Any) -> Any:
        return self._client.get(f"/api/v1/{path}", query, headers=self._headers)

    def post(self, path: str, body: Any, **headers: str) -> Any:
        return self._client.post(
            f"/api/v1/{path}", orjson.dumps(body), "application/json", headers=self._headers | headers
        )

    def patch(self, path: str, body: Any) -> Any:
        return self._client.patch(
            f"/api/v1/{path}", orjson.dumps(body), "application/json", headers=self._headers
        )

    def delete(self, path: str) -> Any:
        return self._client.delete(f"/api/v1/{path}", headers=self._headers)

    def upload(self, org: str, pack: bytes) -> Any:
        return self._client.post(f"/api/v1/uploads/{org}/", pack, PACK, headers=self._headers)


def code_of(answer: Any) -> tuple[int, str]:
    """Status and problem code of a refusal."""
    assert answer["Content-Type"] == "application/problem+json", answer.content
    return answer.status_code, answer.json()["code"]
