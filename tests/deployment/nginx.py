"""A real nginx with the configuration that we ship, before a web process of the tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import trustme

from tests import tools
from tests.processes import REPOSITORY, free_port, wait_until_open

SHIPPED = REPOSITORY / "deploy/nginx/gitslice.conf"
MAIN = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/pid;
events {{ worker_connections 256; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/gitslice.conf;
}}
"""


def program() -> str | None:
    return shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")


def ensure_installed() -> None:
    tools.ensure_installed("nginx", lambda: program() is not None, Path(__file__).parent / "install")


def adapted(backend: int, plain: int, port: int, folder: Path) -> str:
    """What an administrator changes, and nothing else."""
    text = SHIPPED.read_text()
    for shipped, ours in (
        ("127.0.0.1:8000", f"127.0.0.1:{backend}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("    listen [::]:80;\n", ""),
        ("listen 443 ssl http2;", f"listen 127.0.0.1:{port} ssl http2;"),
        ("    listen [::]:443 ssl http2;\n", ""),
        ("server_name gitslice.example.com;", "server_name localhost;"),
        ("/etc/nginx/gitslice", str(folder)),
    ):
        assert shipped in text, shipped
        text = text.replace(shipped, ours)
    return text


@contextmanager
def running(folder: Path, backend: int, authority: trustme.CA) -> Iterator[tuple[int, int]]:
    """Gives the ports of HTTPS and plain HTTP."""
    certificate = authority.issue_cert("localhost")
    certificate.private_key_pem.write_to_path(str(folder / "privkey.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(folder / "fullchain.pem"), append=True)
    port, plain = free_port(), free_port()
    (folder / "gitslice.conf").write_text(adapted(backend, plain, port, folder))
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder))
    nginx = program()
    assert nginx
    process = subprocess.Popen(
        [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    )
    try:
        wait_until_open(port, process)
        yield port, plain
    finally:
        process.terminate()
        process.wait(10)
