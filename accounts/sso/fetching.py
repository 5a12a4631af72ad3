"""Requests to identity providers. Their addresses come from organizations' admins, so the rule of webhooks holds:
nobody reaches our own network through them, except what GITSLICE_SSO_NETWORKS names. And without TLS we go nowhere
else than there: who signs people in is not asked over wires that anybody may change."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from accounts.webhooks.addresses import admitted

PATIENCE = 10  # seconds


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
    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class Session(requests.Session):
    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False  # a proxy would connect in our stead, unchecked
        self.mount("http://", _Adapter())
        self.mount("https://", _Adapter())

    def request(self, *args: Any, **options: Any) -> requests.Response:
        return super().request(*args, **({"timeout": PATIENCE} | options))
