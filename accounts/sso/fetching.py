"""Requests to identity providers. Their addresses come from organizations' admins, so the rule of webhooks holds:
nobody reaches our own network through them, except what GITSLICE_SSO_NETWORKS names. And without TLS we go nowhere
else than there: who signs people in is not asked over wires that anybody may change."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import HTTPError

from accounts.webhooks.addresses import admitted

PATIENCE = 10  # seconds
MOST_READ = 4 << 20  # bytes of an answer: federations' metadata aside, all are much smaller
CHUNK = 1 << 16


def _within(addresses: Iterable[str]) -> list[str]:
    networks = settings.GITSLICE_SSO_NETWORKS
    return [text for text in addresses if any(ip_address(text) in network for network in networks)]


def _public_or_within(addresses: Iterable[str]) -> list[str]:
    return admitted(addresses, settings.GITSLICE_SSO_NETWORKS)


class _Checked(HTTPConnection):
    admit: Callable[[Iterable[str]], list[str]] = staticmethod(_within)

    def _new_conn(self) -> socket.socket:
        """A connection to an address that was checked, whatever the name may mean a moment later."""
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        usable = self.admit(str(entry[4][0]) for entry in found)
        if not usable:
            raise OSError(f"{self.host} has no address that may be asked")
        return socket.create_connection((usable[0], self.port), PATIENCE)


class _CheckedTls(_Checked, HTTPSConnection):
    admit = staticmethod(_public_or_within)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _CheckedTls


class _Adapter(HTTPAdapter):
    """Reads answers whole, of so many bytes and in so much time at most, also those that lead elsewhere."""

    def send(self, *args: Any, **options: Any) -> requests.Response:
        answer = super().send(*args, **options | {"stream": True})
        content, ends = bytearray(), time.monotonic() + PATIENCE
        try:
            while part := answer.raw.read1(CHUNK):
                content += part
                if len(content) > MOST_READ or time.monotonic() > ends:
                    raise requests.RequestException(f"an answer is larger than {MOST_READ} bytes, or slow")
        except (HTTPError, OSError) as error:
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(error) from None
        finally:
            answer.close()
        answer._content = bytes(content)
        return answer

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.headers["Accept-Encoding"] = "identity"  # what is packed may be of any size
        self.trust_env = False  # a proxy would connect in our stead, unchecked
        self.mount("http://", _Adapter())
        self.mount("https://", _Adapter())

    def request(self, *args: Any, **options: Any) -> requests.Response:
        return super().request(*args, **({"timeout": PATIENCE} | options))
