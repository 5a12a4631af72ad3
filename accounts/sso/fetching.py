"""Requests to identity providers. Their addresses come from organizations' admins, so the rule of webhooks holds:
nobody reaches our own network through them, except what GITSLICE_SSO_NETWORKS names."""

from __future__ import annotations

import socket
from typing import Any

import requests
from django.conf import settings
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from accounts.webhooks.addresses import admitted

PATIENCE = 10  # seconds


class _Checked(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """A connection to an address that was checked, whatever the name may mean a moment later."""
        found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        usable = admitted((str(entry[4][0]) for entry in found), settings.GITSLICE_SSO_NETWORKS)
        if not usable:
            raise OSError(f"{self.host} has no public address")
        return socket.create_connection((usable[0], self.port), PATIENCE)


class _CheckedTls(_Checked, HTTPSConnection):
    pass


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
