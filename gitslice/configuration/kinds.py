"""How values of settings are written. Each kind says what it expects, and reads a text or raises ValueError."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

TRUE, FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
SIZE = re.compile(r"(\d+) ?(?:([KMGT])(?:iB)?)?", re.ASCII)
POWERS = {"": 0, "K": 10, "M": 20, "G": 30, "T": 40}


@dataclass(frozen=True)
class Kind:
    """`expected` completes "must be ...", `name` is what the table says; `empty` is the value where nothing is set."""

    name: str
    expected: str
    parse: Callable[[str], Any]
    empty: Any = ""


def _number(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text, re.ASCII):
        raise ValueError
    return int(text)


def _size(text: str) -> int:
    found = SIZE.fullmatch(text)
    if not found:
        raise ValueError
    return int(found[1]) << POWERS[found[2] or ""]


def _flag(text: str) -> bool:
    if text.lower() not in TRUE + FALSE:
        raise ValueError
    return text.lower() in TRUE


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _lines(text: str) -> list[str]:
    return [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]


def _networks(text: str) -> list[IPv4Network | IPv6Network]:
    return [ip_network(word) for word in _words(text)]


def _servers(text: str) -> list[tuple[str, int]]:
    pairs = [word.rpartition(":") for word in _words(text)]
    return [(str(ip_address(host.strip("[]"))), int(port)) for host, _, port in pairs]


def _file(text: str) -> str:
    with open(text, "rb"):
        return text


def _address(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise ValueError
    _ = parts.port
    return text.rstrip("/")


def _url(*schemes: str, host: bool = True, path: bool = False) -> Callable[[str], str]:
    def parse(text: str) -> str:
        parts = urlsplit(text)
        _ = parts.port  # raises ValueError for what is no number
        if (
            parts.scheme not in schemes
            or (host and not parts.hostname)
            or (path and not parts.path.strip("/"))
        ):
            raise ValueError
        return text

    return parse


def _object_store(text: str) -> str:
    parts = urlsplit(text)
    if not (parts.scheme == "file" and parts.path.startswith("/")) and not (
        parts.scheme == "s3" and parts.netloc
    ):
        raise ValueError
    return text


def choice(*words: str) -> Kind:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return Kind("one of", "one of " + ", ".join(words), parse)


TEXT = Kind("text", "a text", str)
NUMBER = Kind("number", "a whole number", _number)
SIZE_KIND = Kind("size", "a number of bytes, such as 1048576 or 1 MiB", _size)
FLAG = Kind("0 or 1", "1 or 0", _flag)
WORDS = Kind("list", "words, separated by commas", _words, [])
LINES = Kind("list", "texts, separated by commas or line breaks", _lines, [])
NETWORKS = Kind("networks", "networks like 10.1.0.0/16, separated by commas", _networks, [])
SERVERS = Kind("addresses", "addresses like 10.1.0.53:53, separated by commas", _servers, [])
FOLDER = Kind("folder", "the path of a folder", Path)
PATH = Kind("file", "the path of a file", str)
FILE = Kind("file", "the path of a file that can be read", _file)
ADDRESS = Kind("address", "an address like https://gitslice.example.com", _address)
DATABASE = Kind(
    "URL",
    "a URL like postgresql://user@host:port/name",
    _url("postgres", "postgresql", host=False, path=True),
)
REDIS = Kind("URL", "a URL of redis://, rediss:// or unix://", _url("redis", "rediss", "unix", host=False))
MAIL = Kind("URL", "a URL like smtp://user@host:port or smtps://", _url("smtp", "smtps"))
COLLECTOR = Kind("URL", "a URL like http://collector:4318", _url("http", "https"))
OBJECTS = Kind("URL", "file:///folder or s3://bucket?endpoint=URL", _object_store)
