"""Backups are made of a system that serves, everything is destroyed, and what was acknowledged comes back."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from accounts.models import ApiToken
from accounts.webhooks.models import WebhookDelivery
from accounts.webhooks.services import create_webhook
from gitslice.objects.models import Pack
from gitslice.objects.services import put_blobs
from gitslice.objects.store import object_name, object_store
from gitslice.ops.backup.checking import findings
from gitslice.ops.backup.database import one_at_a_time
from gitslice.ops.backup.errors import BackupError
from gitslice.ops.backup.making import Made, make_backup
from gitslice.ops.backup.pruning import Removed
from gitslice.ops.backup.sealing import read_key
from gitslice.ops.backup.vaults import open_vault
from tests.processes import REPOSITORY, WebServer, server_environment
from tests.test_faults import Caller
from tests.world import World

GS = Path(sys.executable).parent / "gs"
THREADS = 3


@pytest.fixture
def world(transactional_db):
    world = World()
    world.slice("web", "web/**")
    world.slice("docs", "docs/**", "web/0/**")
    return world


@pytest.fixture
def key_file(tmp_path):
    path = tmp_path / "key"
    path.write_text(secrets.token_hex(32) + "\n")
    return path


@pytest.fixture
def target(tmp_path) -> Iterator[dict[str, str]]:
    """The environment of a system that has nothing yet: an empty database, and no object store."""
    here = server_environment()
    base, _, source = here["DATABASE_URL"].rpartition("/")
    name = f"restored_{secrets.token_hex(4)}"
    with psycopg.connect(f"{base}/{source}", autocommit=True) as own:
        own.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        yield here | {"DATABASE_URL": f"{base}/{name}", "OBJECT_STORE_URL": f"file://{tmp_path}/restored"}
        own.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Load:
    """Threads that land one file after the other over HTTP, until they are stopped."""

    def __init__(self, server: WebServer, token: str) -> None:
        self.caller = Caller(server, token)
        self.acknowledged: dict[str, bytes] = {}
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.land, args=[place]) for place in range(THREADS)]

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def land(self, place: int) -> None:
        number = 0
        while not self.stopping.is_set():
            path, content = f"web/{place}/{number}", secrets.token_bytes(500)
            self.caller.land(path, content, path)
            self.acknowledged[path] = content
            number += 1

    def wait_for(self, count: int) -> dict[str, bytes]:
        """What has been acknowledged once it is so much more."""
        wanted = len(self.acknowledged) + count
        while len(self.acknowledged) < wanted:
            assert all(thread.is_alive() for thread in self.threads)
            self.stopping.wait(0.02)
        return dict(self.acknowledged)


MANAGE = """
import django, json, sys
from django.core.management import CommandError, call_command
django.setup()
for command in json.loads(sys.argv[1]):
    try:
        call_command(*command)
    except CommandError as error:
        print("error:", error, flush=True)
"""


def manage(*commands: list[str], environment: dict[str, str]) -> str:
    """What commands say, one after the other, in a process of their own on another system."""
    own = os.environ | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"} | environment
    result = subprocess.run(
        [sys.executable, "-c", MANAGE, json.dumps(commands)],
        cwd=REPOSITORY,
        env=own,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


def backed_up(destination: str) -> str:
    out = io.StringIO()
    call_command("backup", destination, stdout=out)
    return out.getvalue().strip()


def checked_out(server: WebServer, token: str, slice: str, folder: Path) -> dict[str, bytes]:
    """A slice's files as `gs` gets them."""
    environment = os.environ | {
        "GITSLICE_API_ENDPOINT": server.url,
        "GITSLICE_AUTH_TOKEN": token,
        "GITSLICE_CONFIG_DIR": str(folder / "person"),
    }
    place = folder / slice
    subprocess.run(
        [str(GS), "init", f"acme/{slice}", str(place), "--quiet"], cwd=folder, env=environment, check=True
    )
    files = (path for path in place.rglob("*") if path.is_file() and ".gs" not in path.parts)
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(params=["folder", "s3"])
def destination(request, tmp_path, monkeypatch) -> str:
    if request.param == "folder":
        return str(tmp_path / "backups")
    server = request.getfixturevalue("s3_server")
    for name, value in server.environment("").items():
        if name.startswith("AWS"):
            monkeypatch.setenv(name, value)
    return f"s3://backups-{secrets.token_hex(4)}?endpoint={server.endpoint}&prefix=inner"


@pytest.mark.django_db(transaction=True)
def test_the_drill(world, web_server, tmp_path, target, destination, key_file, monkeypatch):
    if destination.startswith("s3:"):
        monkeypatch.setenv("GITSLICE_BACKUP_KEY_FILE", str(key_file))
        monkeypatch.setattr(settings, "GITSLICE_BACKUP_KEY_FILE", str(key_file))
    token = world.token(world.owner)
    world.land(world.slice("seed", "docs/**"), {"docs/first": b"first\n" * 1000})
    with Load(web_server, token) as load:
        load.wait_for(6)
        first = backed_up(destination)
        before = load.wait_for(6)
        second = backed_up(destination)
        load.wait_for(3)
    attempted = dict(load.acknowledged) | {"docs/first": b"first\n" * 1000}
    for name in list(object_store().list("")):
        object_store().delete(name)
    for id in (first, second):
        call_command("verify_backup", destination, "--id", id)
    assert "all well" in manage(["restore", destination], environment=target)
    server = WebServer(target)
    try:
        web = checked_out(server, token, "web", tmp_path)
        docs = checked_out(server, token, "docs", tmp_path)
    finally:
        server.stop()
    assert before.keys() <= web.keys()
    assert web.items() <= attempted.items()
    assert {path for path in web if path.startswith("web/0/")} | {"docs/first"} == docs.keys()
    assert docs.items() <= attempted.items()


@pytest.mark.django_db(transaction=True)
def test_packs_are_copied_once_and_go_when_no_backup_needs_them(world, tmp_path):
    vault = open_vault(str(tmp_path / "backups"), None, make=True)
    world.land(world.root, {"web/a": b"a"})
    put_blobs(user=world.owner, organization=world.organization, contents=[b"nobody's"])
    gone = Pack.objects.latest("pk")
    first = make_backup(vault)
    gone.blobs.all().delete()
    gone.delete()
    world.land(world.root, {"web/b": b"b"})
    second = make_backup(vault)
    assert (first.copied, second.copied) == (2, 1)
    assert set(vault.sizes("packs/")) == packs_of(first, second)
    assert make_backup(vault, keep=3).removed == Removed(0, 0)
    third = make_backup(vault, keep=2)
    assert third.removed == Removed(2, 1)
    assert set(vault.sizes("packs/")) == packs_of(second, third)
    assert len(vault.sizes("backups/")) == 4


def packs_of(*made: Made) -> set[str]:
    return {f"packs/{pack.name}" for one in made for pack in one.manifest.packs}


@pytest.mark.django_db(transaction=True)
def test_backups_that_cannot_be_read_are_never_pruned_around(world, tmp_path):
    folder = tmp_path / "backups"
    vault = open_vault(str(folder), None, make=True)
    first = make_backup(vault).manifest.id
    (folder / "backups" / first / "manifest.json").write_text("{")
    with pytest.raises(BackupError, match="not readable"):
        make_backup(vault, keep=5)
    assert len(vault.ids()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_clock_that_goes_backwards_makes_no_backup(world, tmp_path):
    folder = tmp_path / "backups"
    vault = open_vault(str(folder), None, make=True)
    made = folder / "backups" / make_backup(vault).manifest.id
    made.rename(made.with_name("2999" + made.name[4:]))
    with pytest.raises(BackupError, match="is the clock right"):
        make_backup(vault)
    assert len(vault.sizes("backups/")) == 2


@pytest.mark.django_db(transaction=True)
def test_an_interrupted_backup_is_none(world, tmp_path):
    """Killed between its first pack and its manifest: what it left is used by the next one, or removed."""
    folder = tmp_path / "backups"
    vault = open_vault(str(folder), None, make=True)
    for number in range(3):
        world.land(world.root, {f"web/{number}": b"%d" % number})
    fifo = Path(settings.OBJECT_STORE_URL.removeprefix("file://"), last_pack_name())
    content = fifo.read_bytes()
    fifo.unlink()
    os.mkfifo(fifo)  # whoever reads it waits
    process = subprocess.Popen(
        [sys.executable, "manage.py", "backup", str(folder)],
        cwd=REPOSITORY,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "gitslice.settings"} | server_environment(),
    )
    until(lambda: len(vault.sizes("packs/")) == 2)
    with pytest.raises(BackupError, match="another backup of this system"):
        make_backup(vault)
    process.kill()
    process.wait()
    fifo.unlink()
    fifo.write_bytes(content)
    assert [name.rpartition("/")[2] for name in vault.sizes("backups/")] == ["database.dump"]
    with pytest.raises(CommandError, match="no complete backup"):
        call_command("verify_backup", str(folder))
    until(nobody_has_the_turn)
    made = make_backup(vault, keep=1)
    assert made.copied == 1
    assert len(vault.sizes("backups/")) == 2


def last_pack_name() -> str:
    pack = Pack.objects.latest("pk")
    return object_name(pack.organization_id, pack.digest)


def nobody_has_the_turn() -> bool:
    """PostgreSQL notices a moment later that a client is gone."""
    try:
        with one_at_a_time():
            return True
    except BackupError:
        return False


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_a_damaged_backup_is_told_by_name(world, tmp_path, key_file):
    for key in (None, read_key(key_file)):
        folder = tmp_path / f"backups-{key and key.id}"
        vault = open_vault(str(folder), key, make=True)
        for number in range(4):
            world.land(world.root, {f"{key and key.id}/{number}": b"%d" % number})
        manifest = make_backup(vault).manifest
        assert list(findings(vault, manifest)) == []
        flipped, shorter, gone, *_ = [vault.pack_name(pack) for pack in manifest.packs]
        dump = vault.dump_name(manifest.id)
        flip(folder / flipped)
        flip(folder / dump)
        (folder / shorter).write_bytes((folder / shorter).read_bytes()[:-1])
        (folder / gone).unlink()
        told = list(findings(vault, manifest))
        assert [finding.partition(":")[0] for finding in told] == [dump, flipped, shorter, gone]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(content)


@pytest.mark.django_db(transaction=True)
def test_a_pack_that_is_damaged_at_home_makes_no_backup(world, tmp_path):
    world.land(world.root, {"web/a": b"a"})
    path = Path(settings.OBJECT_STORE_URL.removeprefix("file://"), last_pack_name())
    content = path.read_bytes()
    flip(path)
    vault = open_vault(str(tmp_path / "backups"), None, make=True)
    with pytest.raises(BackupError, match=f"{last_pack_name()}.*not what the digest says"):
        make_backup(vault)
    assert (vault.ids(), vault.sizes("packs/")) == ([], {})
    path.write_bytes(content)
    assert make_backup(vault).copied == Pack.objects.count()


@pytest.mark.django_db(transaction=True)
def test_another_key_opens_nothing(world, tmp_path, key_file):
    world.land(world.root, {"web/secret": b"very secret" * 100})
    folder = str(tmp_path / "backups")
    sealed = make_backup(open_vault(folder, read_key(key_file), make=True)).manifest
    assert not any(name.startswith("packs/") for name in open_vault(folder, None).sizes(""))
    other = tmp_path / "other"
    other.write_text(secrets.token_hex(32))
    for arguments in ([], ["--key-file", str(other)]):
        for command in ("verify_backup", "restore"):
            with pytest.raises(CommandError, match=f"sealed with key {sealed.key}"):
                call_command(command, folder, *arguments)
    other_vault = open_vault(folder, read_key(other))
    plain = make_backup(other_vault)
    assert plain.copied == len(sealed.packs)
    assert list(findings(other_vault, plain.manifest)) == []


@pytest.mark.django_db(transaction=True)
def test_a_forged_manifest_is_refused(world, tmp_path, key_file):
    folder = tmp_path / "backups"
    vault = open_vault(str(folder), read_key(key_file), make=True)
    manifest = make_backup(vault).manifest
    path = folder / vault.manifest_name(manifest.id)
    facts = json.loads(path.read_text())
    for change in (
        {"packs": [{"organization": 1, "sha256": "", "size": 1}]},
        {"dump_size": 5},
        {"key": None},
    ):
        path.write_text(json.dumps(facts | change))
        with pytest.raises(BackupError, match=r"not as it was written|a key is given"):
            vault.manifest(None)


@pytest.mark.django_db(transaction=True)
def test_only_an_empty_system_is_restored_into(world, tmp_path, target):
    """And a restore that failed can be tried again."""
    world.land(world.root, {"web/a": b"a"})
    folder, damaged = tmp_path / "backups", tmp_path / "damaged"
    vault = open_vault(str(folder), None, make=True)
    pack = vault.pack_name(make_backup(vault).manifest.packs[-1])
    with pytest.raises(CommandError, match=r"not empty: the table .* has rows"):
        call_command("restore", str(folder))
    stray = tmp_path / "restored" / "1" / "ab" / "stray.pack"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"stray")
    shutil.copytree(folder, damaged)
    flip(damaged / pack)
    told = manage(
        ["restore", str(folder)],
        ["restore", str(damaged), "--keep-objects"],
        ["restore", str(folder), "--keep-objects"],
        ["restore", str(folder), "--keep-objects"],
        environment=target,
    )
    errors = [line for line in told.splitlines() if "error:" in line or line.startswith("packs/")]
    assert "the object store is not empty: 1/ab/stray.pack is not of this backup" in errors[0]
    assert "the backup is damaged, and nothing was restored" in errors[1]
    assert errors[2] == f"{pack}: its content is not what its digest says"
    assert "the system is not empty" in errors[3]
    assert told.count("all well") == 1
    assert stray.read_bytes() == b"stray"


@pytest.mark.django_db(transaction=True)
def test_what_a_restored_system_must_not_go_on_with(world, tmp_path, target, client):
    """Sessions have ended and webhooks wait; tokens are as they were. The system was prepared for its first start."""
    client.force_login(world.owner)
    world.token(world.owner)
    webhook, _ = create_webhook(
        actor=world.owner, organization=world.organization, url="https://example.com/", topics=["landing"]
    )
    WebhookDelivery.objects.create(webhook=webhook, kind="landing", body={}, next_at=timezone.now())
    make_backup(open_vault(str(tmp_path / "backups"), None, make=True))
    with psycopg.connect(target["DATABASE_URL"], autocommit=True) as own:
        own.execute("CREATE TABLE of_a_newer_version (id bigint)")
        told = manage(
            ["prepare", "--no-static"],
            ["restore", str(tmp_path / "backups")],
            environment=target | {"GITSLICE_SECRET_KEY": "another"},
        )
        assert own.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
        assert own.execute("SELECT active FROM accounts_webhook").fetchall() == [(False,)]
        assert own.execute("SELECT state FROM accounts_webhookdelivery").fetchall() == [("failed",)]
        assert own.execute("SELECT count(*) FROM accounts_apitoken").fetchone() == (ApiToken.objects.count(),)
        assert own.execute("SELECT to_regclass('of_a_newer_version')").fetchone() == (None,)
    assert "Webhooks are paused (1)" in told
    assert "1 secrets" in told


@pytest.mark.django_db(transaction=True)
def test_programs_that_are_too_old_are_told(world, tmp_path, monkeypatch):
    old = tmp_path / "bin" / "pg_dump"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 12.3'\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", str(old.parent))
    monkeypatch.setattr("gitslice.ops.postgres.program", lambda name: "/nowhere")
    with pytest.raises(CommandError, match=r"pg_dump of PostgreSQL \d+ or newer is needed .*of version 12"):
        call_command("backup", str(tmp_path / "backups"))


@pytest.mark.django_db(transaction=True)
def test_after_a_recovery_packs_come_from_a_backup(world, tmp_path, client):
    """PostgreSQL has set back the database; the object store is what it is."""
    client.force_login(world.owner)
    world.land(world.root, {"web/a": b"a", "web/b": b"b"})
    folder = str(tmp_path / "backups")
    make_backup(open_vault(folder, None, make=True))
    lost = last_pack_name()
    object_store().delete(lost)
    with pytest.raises(CommandError, match=f"these packs are lost\n{lost}"):
        call_command("after_recovery")
    assert Session.objects.count() == 1
    call_command("after_recovery", "--packs-from", folder)
    assert Session.objects.count() == 0
    assert world.files() == {"web/a": b"a", "web/b": b"b"}
