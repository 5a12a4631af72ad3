"""The previous release's data, as it left them, under this code: migrated, checked, compared, and worked on.

What lies in `previous` was made by that release's own code (tests/upgrade/make).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from gitslice.ops import postgres
from tests.processes import REPOSITORY, WebServer

PREVIOUS = Path(__file__).parent / "previous"
FACTS = json.loads((PREVIOUS / "facts.json").read_text())
EMPTY = {  # Django's and its libraries', that GitSlice has no use for, or what lives for minutes
    *("account_emailconfirmation", "accounts_user_groups", "accounts_user_user_permissions", "auth_group"),
    *("auth_group_permissions", "changesets_changeset_reviewers", "django_admin_log", "django_session"),
    *("socialaccount_socialapp", "socialaccount_socialtoken"),
}
OWN = ("django_migrations", "django_content_type", "auth_permission", "ops_migrationmark")


class Installation:
    """The previous release's database and objects, and our programs on them."""

    def __init__(self, folder: Path, database: str) -> None:
        base = os.environ["DATABASE_URL"].rpartition("/")[0]
        self.database_url = f"{base}/{database}"
        self.environment = os.environ | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": settings.REDIS_URL,
            "OBJECT_STORE_URL": f"file://{folder}/objects",
            "GITSLICE_SECRET_KEY": FACTS["key"],
            "DJANGO_SETTINGS_MODULE": "gitslice.settings",
            "GITSLICE_CONFIG_DIR": str(folder / "person"),
            "GITSLICE_AUTH_TOKEN": FACTS["token"],
        }

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, "manage.py", *arguments], REPOSITORY)

    def gs(self, *arguments: str, at: Path) -> Any:
        ended = self._run([str(Path(sys.executable).parent / "gs"), *arguments, "--json"], at)
        assert ended.returncode == 0, (arguments, ended.stdout, ended.stderr)
        return json.loads(ended.stdout)

    def _run(self, command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, cwd=folder, env=self.environment, capture_output=True, text=True)

    def rows(self) -> dict[str, int]:
        with psycopg.connect(self.database_url) as connection:
            return {
                table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
                for table in FACTS["rows"]
                if table not in OWN
            }


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp("previous")
    database = f"upgrade_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    shutil.copytree(PREVIOUS / "objects", folder / "objects")
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as server:
        server.execute(f"CREATE DATABASE {database}")
        try:
            installed = Installation(folder, database)
            command = [postgres.program("pg_restore"), "--no-owner", "--exit-on-error"]
            command += ["--dbname", installed.database_url, str(PREVIOUS / "database.dump")]
            subprocess.run(command, check=True)
            yield installed
        finally:
            server.execute(f"DROP DATABASE {database} WITH (FORCE)")


@pytest.fixture(scope="module")
def upgraded(installation: Installation) -> Installation:
    """By the command that an administrator is told to run."""
    before = installation.rows()
    if unknown_to_it():
        refused = installation.manage("fsck")
        assert (refused.returncode, "run 'manage.py migrate'" in refused.stderr) == (3, True), refused.stderr
    migrated = installation.manage("migrate", "--no-input")
    assert migrated.returncode == 0, migrated.stderr
    assert installation.rows() == before
    return installation


def unknown_to_it() -> bool:
    """Whether there is a migration that the previous release did not have."""
    from django.db.migrations.loader import MigrationLoader

    known = {tuple(key) for key in FACTS["migrations"]}
    return not known.issuperset(MigrationLoader(None).disk_migrations)


@pytest.fixture(scope="module")
def server(upgraded: Installation) -> Iterator[WebServer]:
    running = WebServer(upgraded.environment, workers=1)
    upgraded.environment["GITSLICE_API_ENDPOINT"] = running.url
    yield running
    running.stop()


def manifest(server: WebServer, name: str, commit: str) -> list[str]:
    request = urllib.request.Request(
        f"{server.url}/api/v1/slices/acme/{name}/manifest/?commit={commit}",
        headers={"Authorization": f"Bearer {FACTS['token']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode().splitlines()


def test_what_was_left_has_rows_of_every_kind():
    assert [table for table, count in FACTS["rows"].items() if not count and table not in EMPTY] == []


def test_everything_is_as_it_was(upgraded):
    checked = upgraded.manage("fsck")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "all well" in checked.stderr
    assert upgraded.manage("verify_audit").returncode == 0


def test_every_manifest_of_every_commit_is_as_it_was(server):
    for name, commits in FACTS["manifests"].items():
        for commit, lines in commits.items():
            assert manifest(server, name, commit) == lines, (name, commit)


def test_an_old_token_signs_in_reads_every_file_and_lands_on_top(server, upgraded, tmp_path):
    head, lines = next(iter(FACTS["manifests"]["web"].items()))
    upgraded.gs("init", "acme/web", "web", at=tmp_path)
    folder = tmp_path / "web"
    for line in lines:
        mode, digest, _, path = line.split(" ", 3)
        content = os.readlink(folder / path).encode() if mode == "120000" else (folder / path).read_bytes()
        assert hashlib.sha256(content).hexdigest() == digest, path
    (folder / "web" / "a.py").write_text("on top\n")
    landed = upgraded.gs("submit", "-m", "On top", at=folder)
    assert landed["state"] == "merged"
    assert upgraded.gs("show", landed["commit"], at=folder)["parent"] == head
    assert upgraded.manage("fsck").returncode == 0
