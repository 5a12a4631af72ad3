"""One client's connection: requests that are counted, and sent again until they are answered, as `gs` does."""

from __future__ import annotations

import http.client
import io
import json
import random
import re
import secrets
import time
from collections.abc import Iterable
from typing import Any, NamedTuple
from urllib.parse import urlencode

from bench.soak.ledger import Ledger
from gitslice_core.packs import PackWriter

PATIENCE_SECONDS = 60  # for one answer
GIVE_UP_SECONDS = 180  # for all tries together
PACK = "application/x-gitslice-pack"
# What may be refused in a race with others, besides what a call expects.
RACES = {
    "slice_locked",
    "stale_patchset",
    "already_merged",
    "changeset_closed",
    "nothing_to_do",
    "merge_running",
}


class Answer(NamedTuple):
    status: int
    content: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The problem code of a refusal."""
        try:
            return str(self.json.get("code", "")) if self.status >= 400 else ""
        except (ValueError, AttributeError):
            return "page"


class Refused(Exception):
    """A refusal that was not expected; it is written down."""


class GaveUp(Exception):
    """No answer came for GIVE_UP_SECONDS."""


class Caller:
    """Not for two threads at once."""

    def __init__(self, port: int, ledger: Ledger, token: str = "") -> None:
        self.port, self.ledger = port, ledger
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.cookies: dict[str, str] = {}
        self.connection: http.client.HTTPConnection | None = None

    def api(self, kind: str, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        """`keyed` sends an Idempotency-Key, the same with every try. `codes` are refusals that are in order."""
        headers = dict(self.headers)
        if how.pop("keyed", False):
            headers["Idempotency-Key"] = secrets.token_hex(12)
        if isinstance(body, bytes):
            headers["Content-Type"] = PACK
        elif body is not None:
            body = json.dumps(body).encode()
            headers["Content-Type"] = "application/json"
        return self._until_answered(kind, method, f"/api/v1/{path}", body, headers, **how)

    def page(self, kind: str, path: str, form: dict[str, str] | None = None) -> Answer:
        """A page, as a browser asks for it, with the cookies of before."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode(form).encode()
        answer = self._until_answered(kind, "POST" if form is not None else "GET", path, body, headers)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    def sign_in(self, username: str, password: str) -> None:
        self.cookies.clear()
        form = self.page("sign-in page", "/login/")
        found = re.search(rb'name="csrfmiddlewaretoken" value="([^"]+)"', form.content)
        given = {"login": username, "password": password}
        told = {"csrfmiddlewaretoken": found[1].decode() if found else "", **given}
        answer = self.page("sign in", "/login/", told)
        if answer.status != 302 or "sessionid" not in self.cookies:
            self.ledger.is_wrong(f"sign in of {username}: {answer.status}")

    def upload(self, org: str, contents: Iterable[bytes]) -> list[str]:
        file = io.BytesIO()
        writer = PackWriter(file)
        digests = [writer.add(content).hex() for content in contents]
        writer.finish()
        self.api("upload", "POST", f"uploads/{org}/", file.getvalue())
        return digests

    def _until_answered(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        codes: Iterable[str] = (),
    ) -> Answer:
        deadline = time.time() + GIVE_UP_SECONDS
        while True:
            answer = self._once(kind, method, path, body, headers)
            if answer is not None and answer.status not in (429, 503):
                if answer.status >= 400 and answer.code not in RACES.union(codes):
                    shown = answer.content[:300].decode(errors="replace")
                    self.ledger.is_wrong(f"{method} {path}: {answer.status} {shown}")
                    raise Refused
                return answer
            if time.time() > deadline:
                self.ledger.is_wrong(f"{method} {path}: no answer for {GIVE_UP_SECONDS} s")
                raise GaveUp
            time.sleep(random.uniform(0.05, 0.4))

    def _once(
        self, kind: str, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> Answer | None:
        began = time.time()
        fresh = self.connection is None
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            self.connection.request(method, path, body, headers)
            raw = self.connection.getresponse()
            answer = Answer(raw.status, raw.read(), raw.headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if fresh:  # else the server has closed a connection that was kept, as it may
                self.ledger.count(kind, f"no answer ({type(error).__name__})")
                self.ledger.trouble(began, time.time(), f"{method} {path}: {type(error).__name__}")
            return None
        if raw.will_close:
            self.close()
        refusal = f"{answer.status} {answer.code}" if answer.status >= 400 else ""
        self.ledger.count(kind, refusal)
        if answer.status == 503:
            self.ledger.trouble(began, time.time(), f"{method} {path}: {refusal}")
        return answer

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
            self.connection = None
