"""A webhook's request goes where it was allowed to go, and costs us little whoever answers."""

from __future__ import annotations

import datetime
import socket
import ssl
import time
from ipaddress import ip_network

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from accounts.tests.receivers import LOCAL, Receiver, answer_with, gush, names, trickle
from accounts.webhooks import posting
from accounts.webhooks.addresses import admitted
from accounts.webhooks.posting import KEPT, LATE, REFUSED, NotPosted, post


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def local(settings):
    settings.GITSLICE_WEBHOOK_NETWORKS = [ip_network(LOCAL)]


def why_not(url: str) -> str:
    with pytest.raises(NotPosted) as refusal:
        post(url, b"{}", {})
    return str(refusal.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[64:ff9b:1::1]",
        "[2002:7f00:1::1]",
        "[2001:0:4136:e378:8000:63bf:80ff:fffe]",
        "[fe80::1]",
        "[fec0::1]",
        "[fd00::1]",
        "[ff02::1]",
        "localhost",
        "unknown.invalid",
        "a" * 70 + ".example",
    ],
)
def test_private_addresses_are_refused_and_nothing_is_told_of_them(receiver, host):
    assert why_not(f"http://{host}:{receiver.port}/") == REFUSED
    assert receiver.received == []


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101", "::ffff:1.1.1.1"])
def test_public_addresses_are_not(address):
    assert admitted([address]) == [address]


def test_networks_of_ours_may_be_allowed(receiver, local):
    assert admitted(["10.0.0.1", "127.0.0.1", "::1"]) == ["127.0.0.1"]
    assert post(receiver.url, b"{}", {}).status == 200
    assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"


def test_a_name_is_refused_by_what_it_means(receiver, monkeypatch, settings):
    settings.GITSLICE_WEBHOOK_NETWORKS = [ip_network("127.0.0.1/32")]
    names(monkeypatch, "inside.example", ["10.0.0.1"])
    assert why_not(f"http://inside.example:{receiver.port}/") == REFUSED


def test_the_address_that_was_checked_is_the_one_that_is_used(receiver, monkeypatch, settings):
    settings.GITSLICE_WEBHOOK_NETWORKS = [ip_network("127.0.0.1/32")]
    inside = Receiver("127.0.0.2", receiver.port)
    lookups = names(monkeypatch, "rebinding.example", ["127.0.0.1", "127.0.0.2", "127.0.0.2"])
    url = f"http://rebinding.example:{receiver.port}/"
    assert post(url, b"{}", {}).status == 200
    assert lookups == ["rebinding.example"]
    assert why_not(url) == REFUSED
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"
    assert inside.received == []
    inside.close()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_not_followed(receiver, local, status):
    other = Receiver()
    receiver.answer = answer_with(status, Location=other.url)
    assert post(receiver.url, b"{}", {}).status == status
    assert other.received == []
    other.close()


def test_of_an_endless_answer_the_beginning_is_read(receiver, local):
    receiver.answer = gush
    answer = post(receiver.url, b"{}", {})
    assert answer.status == 200
    assert answer.text == "\ufffdx" * (KEPT // 2)


@pytest.mark.parametrize("slow", [trickle, lambda handler: time.sleep(2)])
def test_time_is_short_however_slowly_the_answer_comes(receiver, local, monkeypatch, slow):
    monkeypatch.setattr(posting, "PATIENCE", 0.4)
    receiver.answer = slow
    began = time.monotonic()
    assert why_not(receiver.url) == LATE
    assert time.monotonic() - began < 1.5


def test_a_slow_resolver_is_given_up(receiver, local, monkeypatch):
    monkeypatch.setattr(posting, "PATIENCE", 0.2)
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(1))
    began = time.monotonic()
    assert why_not("http://slow.example/") in (REFUSED, LATE)
    assert time.monotonic() - began < 0.8


def test_what_does_not_speak_http_is_told(receiver, local):
    receiver.answer = lambda handler: handler.wfile.write(b"220 mail.example ESMTP\r\n")
    assert why_not(receiver.url) == "the answer is not HTTP"
    receiver.answer = lambda handler: None
    assert why_not(receiver.url) == "the connection was cut"
    receiver.close()
    assert why_not(receiver.url) == "the connection was refused"


def test_certificates_are_checked_for_the_name(receiver, local, monkeypatch, tmp_path):
    certificate = _serve_tls(receiver, tmp_path, "hooks.example")
    url = f"https://hooks.example:{receiver.port}/"
    names(monkeypatch, "hooks.example", ["127.0.0.1"] * 2)
    names(monkeypatch, "others.example", ["127.0.0.1"])
    assert why_not(url) == "the certificate is not valid"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert post(url, b"{}", {}).status == 200
    assert why_not(url.replace("hooks", "others")) == "the certificate is not valid"
    assert len(receiver.received) == 1


def test_tls_that_never_begins_is_given_up(receiver, local, monkeypatch):
    monkeypatch.setattr(posting, "PATIENCE", 0.4)
    began = time.monotonic()
    with Silent() as port:
        assert why_not(f"https://127.0.0.1:{port}/") == LATE
    assert time.monotonic() - began < 1.5


class Silent:
    """Takes connections and says nothing."""

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        return self._socket.getsockname()[1]

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def _serve_tls(receiver: Receiver, folder, name: str):
    """Make the receiver speak TLS with a certificate of its own making; gives the file of it."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(days=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    signed = builder.sign(key, hashes.SHA256())
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    return certificate
