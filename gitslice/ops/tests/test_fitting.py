"""Code starts only on data that it fits: older and newer schemas, other formats of objects."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.core.files.storage import FileSystemStorage, storages
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from gitslice.objects.format import ensure_format
from gitslice.objects.store import MARKER, object_store
from gitslice.ops.fitting import DoesNotFit, require_fitting, require_schema
from gitslice.ops.marking import mark_migrations
from gitslice.ops.models import MigrationMark
from tests.processes import REPOSITORY, free_port, server_environment

pytestmark = pytest.mark.django_db
NEWER = ("accounts", "9999_later")


@pytest.fixture
def objects(tmp_path, monkeypatch):
    """An object store of this test's own, that is empty."""
    monkeypatch.setitem(storages._storages, "objects", FileSystemStorage(location=tmp_path))
    return tmp_path


def newer(*, breaks: bool | None) -> None:
    """A migration of another version has been applied, marked or (None) not."""
    MigrationRecorder(connection).record_applied(*NEWER)
    if breaks is not None:
        app, name = NEWER
        MigrationMark.objects.create(app=app, name=name, version="9.1.0", breaks_older_code=breaks)


def test_what_was_migrated_by_this_code_fits(objects):
    require_fitting()
    require_fitting(migrating=True)


def test_an_older_schema_is_refused_but_to_those_who_migrate():
    MigrationRecorder(connection).record_unapplied("slices", "0003_search")
    MigrationRecorder(connection).record_unapplied("accounts", "0008_quotas")
    with pytest.raises(DoesNotFit, match=r"older .* accounts.0008_quotas and 1 more .*'manage.py migrate'"):
        require_schema(migrating=False)
    require_schema(migrating=True)


def test_a_newer_schema_is_refused_and_names_who_wrote_it():
    newer(breaks=True)
    for migrating in (False, True):
        with pytest.raises(DoesNotFit, match=r"newer .* GitSlice 9.1.0 wrote it \(accounts.9999_later\)"):
            require_schema(migrating=migrating)


def test_a_newer_schema_that_is_compatible_fits():
    newer(breaks=False)
    require_schema(migrating=False)


def test_a_newer_schema_that_nothing_is_known_of_is_refused():
    newer(breaks=None)
    with pytest.raises(DoesNotFit, match="another version"):
        require_schema(migrating=False)


def test_every_migration_is_marked_once_and_older_code_changes_no_mark():
    applied = {(app, name) for app, name in MigrationRecorder(connection).applied_migrations()}
    assert set(MigrationMark.objects.values_list("app", "name")) == applied
    newer(breaks=True)
    mark_migrations(using="default")
    assert MigrationMark.objects.get(app="accounts", name="9999_later").breaks_older_code
    assert MigrationMark.objects.count() == len(applied) + 1


def test_the_object_store_is_marked_at_first_use_and_no_list_tells(objects):
    ensure_format()
    assert (objects / MARKER).read_bytes() == b"GitSlice objects, format 1     \n"
    assert list(object_store().sizes("")) == list(object_store().list("")) == []


@pytest.mark.parametrize(
    "content", [b"GitSlice objects, format 2     \n", b"x", b"", b"another program's" * 10]
)
def test_another_format_of_objects_is_refused(objects, content):
    (objects / MARKER).write_bytes(content)
    with pytest.raises(DoesNotFit, match=r"the object store has .*format 1"):
        require_fitting()
    assert (objects / MARKER).read_bytes() == content


def test_a_database_that_is_away_keeps_nobody_from_starting(objects, monkeypatch, caplog):
    monkeypatch.setitem(connection.settings_dict, "PORT", str(free_port()))
    connection.close()
    require_fitting()
    assert "the database does not answer" in caplog.text


PROCESSES = {
    "web": ["gunicorn", "--config", "deploy/gunicorn.conf.py", "gitslice.wsgi"],
    "worker": ["celery", "-A", "gitslice", "worker", "--pool", "solo"],
    "beat": ["celery", "-A", "gitslice", "beat"],
    "command": ["manage", "fsck"],
}


@pytest.mark.parametrize("role", PROCESSES)
def test_no_process_starts_on_what_it_does_not_fit(role, tmp_path):
    (tmp_path / MARKER).write_bytes(b"GitSlice objects, format 7     \n")
    environment = os.environ | server_environment() | {"GITSLICE_ROLE": role}
    environment |= {"OBJECT_STORE_URL": f"file://{tmp_path}", "GITSLICE_PORT": str(free_port())}
    environment["DJANGO_SETTINGS_MODULE"] = "gitslice.settings"
    ended = subprocess.run(
        [sys.executable, "-m", *PROCESSES[role]],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = [line for line in ended.stderr.splitlines() if line.startswith("error: ")]
    assert (ended.returncode, len(told)) == (3, 1), ended.stderr
    assert "format 7" in told[0]


def test_help_is_for_all(tmp_path):
    (tmp_path / MARKER).write_bytes(b"GitSlice objects, format 7     \n")
    environment = os.environ | server_environment() | {"OBJECT_STORE_URL": f"file://{tmp_path}"}
    environment["DJANGO_SETTINGS_MODULE"] = "gitslice.settings"
    command = [sys.executable, "manage.py", "fsck", "--help"]
    assert subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True).returncode == 0
