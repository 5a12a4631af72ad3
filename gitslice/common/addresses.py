"""Which address a request comes from. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def client_address(remote: str, forwarded: str, trusted: Sequence[Network]) -> str | None:
    """The nearest address that is none of our proxies'.

    `remote` is the other end of the connection; `forwarded` is `X-Forwarded-For`, to which each proxy appends whom it
    was asked by. What stands left of the nearest address that we do not trust may be invented, and is not looked at.
    None where the connection has no address, such as one through a socket file.
    """
    nearest = _parsed(remote)
    for text in reversed(forwarded.split(",")):
        if nearest is None or not any(nearest in network for network in trusted):
            break
        farther = _parsed(text)
        if farther is None:
            break
        nearest = farther
    return str(nearest) if nearest else None


def neighbourhood(address: str) -> str:
    """What one client is counted as: the address, or of IPv6 its network of 64 bits, which one client has whole."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv4Address):
        return address
    return str(IPv6Network((parsed, 64), strict=False).network_address)


def _parsed(text: str) -> Address | None:
    """An address, without the port that some proxies add; one of IPv4 that is written as IPv6 is taken as IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
