"""Who owns a domain says so in its DNS: a TXT record at `_gitslice.<domain>` that only its owner can write."""

from __future__ import annotations

import re

from django.conf import settings
from dns.exception import DNSException
from dns.resolver import Resolver

from gitslice.common.errors import InvalidRequest

NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]\Z")
PREFIX = "_gitslice"
PATIENCE = 5.0  # seconds


def check_name(name: str) -> str:
    """The domain in small letters; raises InvalidRequest."""
    name = name.strip().rstrip(".").lower()
    if not NAME.match(name):
        raise InvalidRequest(f"{name[:60]!r} is no domain such as example.com")
    return name


def record_of(proof: str) -> str:
    return f"gitslice-domain={proof}"


def is_proven(name: str, proof: str) -> bool:
    """Does the DNS say so now?"""
    try:
        answer = _resolver().resolve(f"{PREFIX}.{name}.", "TXT", lifetime=PATIENCE)
    except DNSException:
        return False
    texts = {b"".join(record.strings).decode(errors="replace") for record in answer}
    return record_of(proof) in texts


def domain_of(address: str) -> str:
    """Of an e-mail address, in small letters; empty for what is none."""
    name, at, domain = address.strip().rpartition("@")
    return domain.lower() if at and name else ""


def _resolver() -> Resolver:
    if not settings.GITSLICE_DNS_SERVERS:
        return Resolver()
    resolver = Resolver(configure=False)
    resolver.nameservers = [host for host, _ in settings.GITSLICE_DNS_SERVERS]
    resolver.nameserver_ports = dict(settings.GITSLICE_DNS_SERVERS)
    return resolver
