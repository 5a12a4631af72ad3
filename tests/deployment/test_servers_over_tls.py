"""Database, Redis and object store over TLS, with certificates of a private authority."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from django.conf import settings
from django.core.files.storage import storages

from gitslice.ops.storage import ensure_bucket
from tests.deployment import tunnel
from tests.processes import REPOSITORY, WebServer, server_environment

BUCKET = "over-tls"
PING = (
    "from gitslice.celery import app; app.connection_for_write().ensure_connection(max_retries=1, timeout=5);"
    "print('connected')"
)


@contextmanager
def secured(ca: Path, certificate: trustme.LeafCert, s3_server) -> Iterator[dict[str, str]]:
    """The environment of processes that reach all three servers by TLS alone, with passwords in files."""
    given = server_environment()
    database, redis = urlsplit(given["DATABASE_URL"]), urlsplit(given["REDIS_URL"])
    with ExitStack() as stack:
        database_port = stack.enter_context(tunnel.before(database.port or 0, certificate, postgres=True))
        redis_port = stack.enter_context(tunnel.before(redis.port or 0, certificate))
        s3_port = stack.enter_context(tunnel.before(urlsplit(s3_server.endpoint).port, certificate))
        for name, text in (
            ("database", database.password),
            ("redis", redis.password),
            ("s3", s3_server.secret_key),
        ):
            (ca.parent / name).write_text(f"{text}\n")
        yield {
            "DATABASE_URL": f"postgresql://{database.username}@localhost:{database_port}{database.path}"
            f"?sslmode=verify-full&sslrootcert={ca}",
            "DATABASE_PASSWORD_FILE": str(ca.parent / "database"),
            "REDIS_URL": f"rediss://localhost:{redis_port}{redis.path}?ca={ca}",
            "REDIS_PASSWORD_FILE": str(ca.parent / "redis"),
            "OBJECT_STORE_URL": f"s3://{BUCKET}?endpoint=https://localhost:{s3_port}&ca={ca}",
            "AWS_ACCESS_KEY_ID": s3_server.access_key,
            "AWS_SECRET_ACCESS_KEY_FILE": str(ca.parent / "s3"),
        }


def readiness(environment: dict[str, str]) -> tuple[int, dict]:
    server = WebServer(environment, workers=1)
    try:
        with urllib.request.urlopen(f"{server.url}/readyz", timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
    finally:
        server.stop()


def connects(environment: dict[str, str]) -> bool:
    """Whether a worker would reach its queue."""
    done = subprocess.run(
        [sys.executable, "-c", PING],
        cwd=REPOSITORY,
        env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"},
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() == "connected"


@pytest.mark.parametrize("name", ["localhost", "elsewhere.example"])
def test_certificates_are_checked_down_to_the_name(transactional_db, tmp_path, s3_server, name) -> None:
    assert settings.OBJECT_STORE_URL.startswith("file:")
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    bucket = storages.create_storage(
        {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "endpoint_url": s3_server.endpoint,
                "access_key": s3_server.access_key,
                "secret_key": s3_server.secret_key,
                "region_name": "us-east-1",
            },
        }
    )
    ensure_bucket(bucket)
    with secured(ca, authority.issue_cert(name), s3_server) as environment:
        status, told = readiness(environment)
        if name == "localhost":
            assert (status, connects(environment)) == (200, True), told
        else:
            assert status == 503
            assert {told["checks"][part]["reason"] for part in ("database", "redis", "objects")} == {
                "unavailable"
            }
            assert not connects(environment)
