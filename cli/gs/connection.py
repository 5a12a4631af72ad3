"""HTTP/1.1 over one kept connection: what `gs` needs of RFC 9112, and no more.

The standard library's client imports mail parsing and TLS even for plain connections, which takes as long as everything
else a small command does. Bodies go out with a length or in chunks; answers come with a length, in chunks, or until the
server closes. Transfer codings other than chunked are refused, and none but `identity` content is asked for.
"""

from __future__ import annotations

import socket

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable
    from typing import IO

BUFFER = 256 << 10
MAX_LINE = 64 << 10  # bytes of a status line, a header or a chunk's size
MAX_HEADERS = 200
SMALL = 64 << 10  # a body up to this goes out together with its head


class ProtocolError(Exception):
    """What came is not HTTP, or not to be read without guessing."""


class Headers:
    """The headers of an answer; names in any case. Of several with one name the last counts."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, str]):
        self._values = values

    def get(self, name: str, default: str | None = None) -> str | None:
        return self._values.get(name.lower(), default)

    def __getitem__(self, name: str) -> str | None:
        return self.get(name)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values


class Connection:
    """One connection to one server, one exchange at a time: `send`, then `receive`, then read the answer to its end."""

    def __init__(
        self, host: str, port: int, *, tls: ssl.SSLContext | None, connect_timeout: float, timeout: float
    ):
        """Connects at once. Raises OSError."""
        name = host.encode() if host.isascii() else host  # a str loads the codec for international names
        self.sock: socket.socket | None = socket.create_connection((name, port), connect_timeout)  # type: ignore[arg-type]
        try:
            if tls:
                self.sock = tls.wrap_socket(self.sock, server_hostname=host)
            self.sock.settimeout(timeout)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._file = self.sock.makefile("rb", BUFFER)
        except BaseException:
            self.sock.close()
            raise
        shown = f"[{host}]" if ":" in host else host
        self._host = shown if port == (443 if tls else 80) else f"{shown}:{port}"

    def close(self) -> None:
        if self.sock is not None:
            self._file.close()
            self.sock.close()
            self.sock = None

    def send(
        self,
        method: str,
        path: str,
        body: bytes | bytearray | Iterable[bytes] | IO[bytes] | None,
        headers: dict,
    ) -> None:
        """Send one request: bytes with their length, a file or an iterator in chunks."""
        assert self.sock is not None
        whole = body if isinstance(body, (bytes, bytearray)) else None
        framing = {"Transfer-Encoding": "chunked"}
        if whole is not None or (body is None and method in ("POST", "PUT", "PATCH")):
            framing = {"Content-Length": str(len(whole or b""))}
        elif body is None:
            framing = {}
        lines = {"Host": self._host, "Accept-Encoding": "identity", **framing, **headers}
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        if head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1 or " " in path:
            raise ProtocolError("a header or the address has a line break or a space in it")
        data = head.encode("latin-1") + b"\r\n"
        if whole is not None and len(whole) <= SMALL:
            self.sock.sendall(data + whole)
            return
        self.sock.sendall(data)
        if whole is not None:
            self.sock.sendall(whole)
        elif body is not None:
            self._send_chunks(body)  # type: ignore[arg-type]

    def receive(self, method: str) -> Answer:
        """The head of the answer. Raises ConnectionResetError when the server closed without one, ProtocolError."""
        while True:
            status, keeps = self._status()
            headers = self._headers()
            if status >= 200:
                return Answer(self, self._file, method, status, headers, keeps)  # type: ignore[arg-type]

    def _send_chunks(self, body: Iterable[bytes] | IO[bytes]) -> None:
        assert self.sock is not None
        read = getattr(body, "read", None)
        chunks = iter(lambda: read(BUFFER), b"") if read else body
        for chunk in chunks:
            if chunk:
                self.sock.sendall(b"%x\r\n" % len(chunk) + bytes(chunk) + b"\r\n")
        self.sock.sendall(b"0\r\n\r\n")

    def _status(self) -> tuple[int, bool]:
        """The status, and whether this version of HTTP keeps connections."""
        line = self._file.readline(MAX_LINE)
        if not line:
            raise ConnectionResetError("the server closed the connection without an answer")
        version, _, rest = line.partition(b" ")
        code = rest[:3]
        if version not in (b"HTTP/1.1", b"HTTP/1.0") or not code.isdigit() or not line.endswith(b"\n"):
            raise ProtocolError("the answer is not HTTP")
        return int(code), version == b"HTTP/1.1"

    def _headers(self) -> Headers:
        values: dict[str, str] = {}
        for _ in range(MAX_HEADERS):
            line = self._file.readline(MAX_LINE)
            if line in (b"\r\n", b"\n"):
                return Headers(values)
            name, colon, value = line.decode("latin-1").partition(":")
            if not line.endswith(b"\n") or not colon or not name or name != name.strip():
                raise ProtocolError("the answer has a damaged header")
            values[name.lower()] = value.strip()
        raise ProtocolError("the answer has too many headers")


class Answer:
    """An answer whose body is being read. `length` is what is left of an announced length, else None."""

    def __init__(
        self, connection: Connection, file: IO[bytes], method: str, status: int, headers: Headers, keeps: bool
    ):
        self.status, self.headers = status, headers
        self._connection, self._file = connection, file
        self._ended = False
        self._chunked = False
        self._left = 0  # of the current chunk
        self.length: int | None = None
        tokens = (headers.get("Connection") or "").lower()
        self._keeps = "close" not in tokens and (keeps or "keep-alive" in tokens)
        coding, length = headers.get("Transfer-Encoding"), headers.get("Content-Length")
        if method == "HEAD" or status in (204, 304):
            self.length = 0
        elif coding is not None:
            if coding.lower() != "chunked":
                raise ProtocolError(f"the answer is encoded as {coding}")
            self._chunked = True
        elif length is not None:
            if not (length.isascii() and length.isdigit()):
                raise ProtocolError("the answer has no sound length")
            self.length = int(length)
        else:
            self._keeps = False
        if self.length == 0:
            self._end()

    def isclosed(self) -> bool:
        """Whether all of it was read."""
        return self._ended

    def read(self, count: int | None = None) -> bytes:
        """`count` bytes, fewer only at the end (then b""); all that is left without a count."""
        parts = []
        wanted = count
        while wanted is None or wanted > 0:
            part = self._some(self._file.read, BUFFER if wanted is None else wanted)
            if not part:
                break
            parts.append(part)
            if wanted is not None:
                wanted -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readline(self, limit: int = -1) -> bytes:
        """A line with its end, as soon as it is there; at most `limit` bytes of it."""
        line = b""
        while not line.endswith(b"\n") and len(line) != limit:
            part = self._some(self._file.readline, MAX_LINE if limit < 0 else limit - len(line))
            if not part:
                break
            line += part
        return line

    def _some(self, read: object, most: int) -> bytes:
        """At least one byte and at most `most` of the body; b"" at its end. Raises ProtocolError when it breaks off."""
        if self._ended:
            return b""
        if self._chunked:
            if not self._left and not self._next_chunk():
                return b""
            most = min(most, self._left)
        elif self.length is not None:
            most = min(most, self.length)
        data: bytes = read(most)  # type: ignore[operator]
        if not data:
            if self._chunked or self.length is not None:
                raise ProtocolError(f"{self.length or self._left} bytes are missing")
            self._end()
            return b""
        if self._chunked:
            self._left -= len(data)
            if not self._left:
                self._line_end()
        elif self.length is not None:
            self.length -= len(data)
            if not self.length:
                self._end()
        return data

    def _next_chunk(self) -> bool:
        line = self._file.readline(MAX_LINE)
        size = line.partition(b";")[0].strip()
        try:
            self._left = int(size, 16) if size[:1].isalnum() else -1
        except ValueError:
            self._left = -1
        if self._left < 0 or not line.endswith(b"\n"):
            raise ProtocolError("a chunk is missing")
        if self._left:
            return True
        while (line := self._file.readline(MAX_LINE)) not in (b"\r\n", b"\n"):
            if not line:
                raise ProtocolError("the end is missing")
        self._end()
        return False

    def _line_end(self) -> None:
        if self._file.readline(3) not in (b"\r\n", b"\n"):
            raise ProtocolError("a chunk is longer than it says")

    def _end(self) -> None:
        self._ended = True
        if not self._keeps:
            self._connection.close()
