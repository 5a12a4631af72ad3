"""An OpenID Connect provider that anybody passes at once, and whose ID tokens are forged as a test wants them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "gitslice", "a-secret-of-the-tests-0123456789abcdef"
KEY_ID = "the-key"

Claims = dict[str, Any]


def new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class ForgingProvider:
    """`sign` makes the ID token from its claims; `told` is what the user information endpoint says."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.key = new_key()
        self.nonce = ""
        self.tell("ann")

    def tell(self, subject: str) -> None:
        """Be honest from now on, about this person."""
        self.told: Claims = {
            "sub": subject,
            "email": f"{subject}@acme.example",
            "email_verified": True,
            "preferred_username": subject,
        }
        self.sign: Callable[[Claims], str | None] = self.honest

    def honest(self, claims: Claims, **header: Any) -> str:
        return jwt.encode(claims, self.key, "RS256", headers={"kid": KEY_ID} | header)

    def claims(self) -> Claims:
        now = int(time.time())
        names = {"iss": self.url, "aud": CLIENT, "sub": self.told["sub"], "nonce": self.nonce}
        return names | {"iat": now, "exp": now + 300}

    def answer(self, path: str, query: dict[str, str]) -> Claims | str:
        """A document, or where to go."""
        if path == "/.well-known/openid-configuration":
            ends = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"} | {
                f"{name}_endpoint": f"{self.url}/{end}" for name, end in ends.items()
            }
        if path == "/authorize":
            self.nonce = query["nonce"]
            return f"{query['redirect_uri']}?{urlencode({'code': 'any', 'state': query['state']})}"
        if path == "/keys":
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
            return {"keys": [public | {"kid": KEY_ID, "use": "sig", "alg": "RS256"}]}
        if path == "/token":
            token = self.sign(self.claims())
            return {"access_token": "any", "token_type": "Bearer"} | ({"id_token": token} if token else {})
        return self.told


@contextmanager
def forging() -> Iterator[ForgingProvider]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = provider.answer(parts.path, query)
            self.send_response(302 if isinstance(answer, str) else 200)
            self.send_header(
                *(("Location", answer) if isinstance(answer, str) else ("X-Provider", "forging"))
            )
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(b"" if isinstance(answer, str) else json.dumps(answer).encode())

        do_POST = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        provider = ForgingProvider(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield provider
        server.shutdown()
        thread.join()
