from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.processes import REPOSITORY, WebServer, server_environment


@pytest.fixture(scope="session")
def _drawn_server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    environment = server_environment() | {"GITSLICE_STATIC_ROOT": str(tmp_path_factory.mktemp("static"))}
    subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
        cwd=REPOSITORY,
        env=os.environ | environment | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"},
        check=True,
    )
    server = WebServer(environment)
    yield server
    server.stop()


@pytest.fixture
def web_server(transactional_db: None, _drawn_server: WebServer) -> WebServer:
    """A real web process on this test's database, with the styles and scripts that a browser asks for."""
    return _drawn_server
