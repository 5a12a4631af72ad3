"""Which URLs and network addresses a webhook may be sent to: nobody reaches our own network through it."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from accounts.errors import InvalidUrl

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNICAST = IPv6Network("2000::/3")  # all of IPv6 that is given out to the public
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address for networks that have IPv6 alone


def check_url(url: str) -> SplitResult:
    """The parts of an http or https URL without user, password or fragment. Raises InvalidUrl."""
    try:
        parts = urlsplit(url)
        usable = parts.port != 0
    except ValueError:
        raise InvalidUrl("that is no URL") from None
    if not usable or not all("!" <= character <= "~" for character in url):
        raise InvalidUrl("a URL has no spaces, and what is not ASCII is encoded in it")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidUrl("the URL must look like https://host/path")
    if "@" in parts.netloc or parts.fragment:
        raise InvalidUrl("the URL must have no user, password or fragment: requests are signed instead")
    return parts


def admitted(addresses: Iterable[str], networks: list[Network] | None = None) -> list[str]:
    """Those that are public, or lie in these networks: by default, GITSLICE_WEBHOOK_NETWORKS."""
    allowed = settings.GITSLICE_WEBHOOK_NETWORKS if networks is None else networks
    return [address for address in addresses if _is_admitted(ip_address(address), allowed)]


def _is_admitted(address: Address, networks: list[Network]) -> bool:
    meant = _meant(address)
    return _is_public(meant) or any(meant in network for network in networks)


def _meant(address: Address) -> Address:
    """The IPv4 address where one travels inside an IPv6 address."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def _is_public(address: Address) -> bool:
    """`is_global` alone lets groups, reserved blocks and deprecated forms pass."""
    if isinstance(address, IPv6Address) and address not in UNICAST:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved
