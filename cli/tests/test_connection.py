"""The wire: answers in every framing, in pieces, damaged; requests that must not be sent. A real socket on both sides."""

from __future__ import annotations

import io
import socket
import threading
from collections.abc import Iterator

import pytest

from gs.connection import Answer, Connection, ProtocolError


class Server:
    """Answers every connection with the same bytes, in pieces of `piece` bytes, when it was sent an empty line or a text
    that closes with `end`; keeps what it was sent."""

    def __init__(self, answer: bytes, piece: int = 1 << 20, keep: bool = False) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.answer, self.piece, self.keep = answer, piece, keep
        self.received = b""
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection:
            while True:
                data = connection.recv(1 << 20)
                self.received += data
                if not data:
                    return
                ends = (b"\r\n0\r\n\r\n",) if b"chunked" in self.received else (b"\r\n\r\n", b"the end")
                if not self.received.endswith(ends):
                    continue
                for at in range(0, len(self.answer), self.piece):
                    connection.sendall(self.answer[at : at + self.piece])
                if not self.keep:
                    return


def asked(answer: bytes, piece: int = 1 << 20, method: str = "GET") -> Answer:
    connection = Connection("127.0.0.1", Server(answer, piece).port, tls=None, connect_timeout=5, timeout=5)
    connection.send(method, "/", None, {})
    return connection.receive(method)


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Of: many\r\n\r\n"
    b"5;name=value\r\nhello\r\n1\r\n\n\r\nC\r\n world\nagain\r\n0\r\nTrailer: yes\r\n\r\n"
)
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\nhello\n world\nagain"
CLOSED = b"HTTP/1.0 200 OK\r\n\r\nhello\n world\nagain"


@pytest.mark.parametrize("piece", [1, 3, 1 << 20])
@pytest.mark.parametrize("answer", [CHUNKED, SIZED, CLOSED])
def test_a_body_is_read_whole_in_every_framing(answer, piece):
    told = asked(answer, piece)
    assert told.status == 200
    assert told.read() == b"hello\n world\nagain"
    assert (told.read(), told.isclosed()) == (b"", True)


@pytest.mark.parametrize("answer", [CHUNKED, SIZED, CLOSED])
def test_a_body_is_read_by_lines_and_by_counts(answer):
    told = asked(answer, 1)
    assert [told.readline(), told.read(3), told.readline(2), told.readline(), told.readline()] == [
        b"hello\n",
        b" wo",
        b"rl",
        b"d\n",
        b"again",
    ]
    assert told.readline() == b""


def test_header_names_have_no_case_and_interim_answers_are_passed_over():
    told = asked(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 None\r\nX-Answer:  yes \r\n\r\n")
    assert (told.status, told.headers["x-ANSWER"], told.headers.get("Link")) == (204, "yes", None)
    assert told.read() == b""


def test_answers_without_a_body_end_at_once():
    assert asked(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n").isclosed()
    assert asked(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", method="HEAD").isclosed()


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ],
)
def test_what_is_damaged_or_broken_off_is_an_error(answer):
    with pytest.raises(ProtocolError):
        asked(answer).read()


def test_a_server_that_says_nothing_counts_as_lost():
    with pytest.raises(ConnectionResetError):
        asked(b"")


def sent(body: object, headers: dict | None = None, method: str = "POST") -> bytes:
    server = Server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    connection = Connection("127.0.0.1", server.port, tls=None, connect_timeout=5, timeout=5)
    connection.send(method, "/x", body, headers or {})  # type: ignore[arg-type]
    connection.receive(method)
    return server.received.replace(b"127.0.0.1:%d" % server.port, b"HOST")


def test_bodies_go_out_with_a_length_or_in_chunks():
    def parts() -> Iterator[bytes]:
        yield from (b"one", b"", b"two")

    head = b"POST /x HTTP/1.1\r\nHost: HOST\r\nAccept-Encoding: identity\r\n"
    assert sent(b"the end", {"A": "b"}) == head + b"Content-Length: 7\r\nA: b\r\n\r\nthe end"
    chunks = b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"
    assert sent(parts()) == head + chunks
    assert sent(io.BytesIO(b"one")) == head + b"Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n"
    assert sent(None) == head + b"Content-Length: 0\r\n\r\n"
    assert sent(None, method="GET") == head.replace(b"POST", b"GET") + b"\r\n"


def test_nothing_is_smuggled_into_a_request():
    for headers, path in (
        ({"A": "b\r\nC: d"}, "/"),
        ({"A": "b\nC: d"}, "/"),
        ({}, "/ HTTP/1.1\r\nA: b"),
        ({}, "/a b"),
    ):
        connection = Connection("127.0.0.1", Server(SIZED).port, tls=None, connect_timeout=5, timeout=5)
        with pytest.raises(ProtocolError):
            connection.send("GET", path, None, headers)
