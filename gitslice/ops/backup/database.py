"""The database's part of a backup, by PostgreSQL's own programs: pg_dump, pg_restore, psql."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

import psycopg
from django.db import connection, transaction
from psycopg.pq import Conninfo

from gitslice.ops import postgres
from gitslice.ops.backup.errors import BackupError
from gitslice.ops.backup.manifests import Manifest, PackFacts
from gitslice.ops.backup.queries import COUNTS, EMPTY, ENDED, PACKS, REMOVED, as_told
from gitslice.ops.places import EmbeddedServerError

CHUNK = 256 << 10
SINCE_17 = (
    b"SET transaction_timeout = 0;\n"  # newer pg_restore says it to older servers too, which do not know it
)
HEAD_LINES = 40  # where it says that
WITHOUT_TLS = ("disable", "allow", "prefer")  # sslmode of libpq: TLS if it can be had, or none


@dataclass(frozen=True)
class Facts:
    """What the rows of one snapshot say."""

    made_at: str
    schema: dict[str, str]
    counts: dict[str, int]
    packs: tuple[PackFacts, ...]


class Snapshot:
    """The database at one moment, for as many readers as need it, while others write."""

    def __init__(self, own: psycopg.Connection[Any]) -> None:
        self._own = own
        self.name: str = self._rows("SELECT pg_export_snapshot()")[0][0]

    def facts(self) -> Facts:
        counts = {name: self._rows(f"SELECT count(*) FROM {table}")[0][0] for name, table in COUNTS.items()}
        return Facts(
            made_at=self._rows("SELECT now()")[0][0].isoformat(timespec="seconds"),
            schema=dict(self._rows("SELECT app, max(name) FROM django_migrations GROUP BY app ORDER BY app")),
            counts=counts,
            packs=tuple(PackFacts(*row) for row in self._rows(PACKS)),
        )

    def _rows(self, sql: str) -> list[tuple[Any, ...]]:
        return self._own.execute(sql).fetchall()


@contextlib.contextmanager
def one_at_a_time() -> Iterator[psycopg.Connection[Any]]:
    """A connection of our own, while no other backup of this database is made. Raises BackupError."""
    with psycopg.connect(**_parameters(), autocommit=True) as own:
        locked = own.execute("SELECT pg_try_advisory_lock(hashtext('gitslice.ops.backup'))").fetchone()
        if not (locked and locked[0]):
            raise BackupError("another backup of this system is being made")
        own.execute("SET idle_session_timeout = 0")
        yield own


def is_running() -> bool:
    """Whether a backup of this database is being made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1 AND database ="
            " (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND objid::bigint = hashtext('gitslice.ops.backup')::bigint & 4294967295)"
        )
        return cursor.fetchone()[0]


@contextlib.contextmanager
def snapshot(own: psycopg.Connection[Any]) -> Iterator[Snapshot]:
    with own.transaction():
        own.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        own.execute("SET LOCAL statement_timeout = 0")
        own.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield Snapshot(own)


def dump(snapshot: Snapshot) -> Iterator[bytes]:
    """The snapshot in pg_dump's custom format. Raises BackupError."""
    command = [_program("pg_dump", server_major()), "--format=custom", f"--snapshot={snapshot.name}"]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*command, "--no-password"], env=_environment(), stdout=subprocess.PIPE, stderr=errors
        )
        with process:
            assert process.stdout is not None
            try:
                while chunk := process.stdout.read(CHUNK):
                    yield chunk
            except GeneratorExit:
                process.kill()
                raise
        _require(process, "pg_dump", errors)


def check_dump(path: Path, dumped_major: int) -> None:
    """Raises BackupError if pg_restore cannot list what is in the dump."""
    command = [_program("pg_restore", dumped_major), "--list", str(path)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise BackupError(f"pg_restore cannot list the dump: {result.stderr.strip()}")


def require_empty() -> None:
    """Raises BackupError if a table has rows that a system has only once somebody uses it."""
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            cursor.execute(EMPTY)
        except Exception as error:
            if isinstance(error.__cause__, psycopg.errors.RaiseException):
                raise BackupError(
                    f"the system is not empty: {error.__cause__.diag.message_primary}"
                ) from None
            raise
        transaction.set_rollback(True)


def load(path: Path, manifest: Manifest) -> None:
    """Put the dump in the place of the empty tables, check that it is what the manifest tells, and end what a restored
    system must not go on with: all of it in one transaction, or nothing. Raises BackupError."""
    major = max(major_of(manifest.postgresql), server_major())
    end = f"RESET search_path;\n{as_told(manifest.counts, manifest.packs)};\n{ENDED}COMMIT;\n"
    with tempfile.TemporaryFile() as errors:
        command = [_program("psql", major), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
        writer = subprocess.Popen(
            command, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors
        )
        with writer:
            assert writer.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # psql has said why
                _feed(writer.stdin, path, major, end)
            with contextlib.suppress(BrokenPipeError):
                writer.stdin.close()
        _require(writer, "psql", errors)
    connection.close()  # its plans are of tables that are gone
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _feed(target: IO[bytes], path: Path, major: int, end: str) -> None:
    """Nothing is committed unless all of it was written: who reads to the end without a COMMIT rolls back."""
    target.write(f"BEGIN;\n{EMPTY};\n{REMOVED};\n".encode())
    command = [_program("pg_restore", major), "--no-owner", "--no-privileges", "--file=-", str(path)]
    with tempfile.TemporaryFile() as errors:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as reader:
            assert reader.stdout is not None
            for _ in range(HEAD_LINES):
                line = reader.stdout.readline()
                target.write(line if line != SINCE_17 else b"")
            shutil.copyfileobj(reader.stdout, target, CHUNK)
        _require(reader, "pg_restore", errors)
    target.write(end.encode())


def pack_facts() -> list[PackFacts]:
    with connection.cursor() as cursor:
        cursor.execute(PACKS)
        return [PackFacts(*row) for row in cursor]


def end_what_was() -> None:
    """End what a system that was set back must not go on with."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(ENDED)


def server_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return str(cursor.fetchone()[0]).split()[0]


def server_major() -> int:
    return major_of(server_version())


def major_of(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0


def _program(name: str, major: int) -> str:
    """A program of PostgreSQL that knows version `major`: the same version if there is one, else the next newer."""
    found = {path: _program_major(path) for path in _candidates(name)}
    fit = sorted((version, path) for path, version in found.items() if version >= major)
    if fit:
        return fit[0][1]
    there = ", ".join(f"{path} is of version {version}" for path, version in found.items())
    raise BackupError(
        f"{name} of PostgreSQL {major} or newer is needed ({there or 'none was found'}); "
        f"install PostgreSQL's client programs of version {major} and put them first in PATH"
        + (
            ""
            if _parameters().get("sslmode", "prefer") in WITHOUT_TLS
            else ": the embedded ones speak no TLS"
        )
    )


def _candidates(name: str) -> list[str]:
    """Of the embedded PostgreSQL, which is built without TLS, and in PATH."""
    places = []
    if _parameters().get("sslmode", "prefer") in WITHOUT_TLS:
        with contextlib.suppress(EmbeddedServerError):
            places.append(postgres.program(name))
    return [place for place in (*places, shutil.which(name)) if place and os.access(place, os.X_OK)]


def _program_major(path: str) -> int:
    result = subprocess.run([path, "--version"], capture_output=True, text=True)
    found = re.search(r"\) (\d+)", result.stdout)
    return int(found[1]) if found else 0


def _parameters() -> dict[str, Any]:
    """Django's own connection parameters, those that PostgreSQL's library knows."""
    known = {option.keyword.decode() for option in Conninfo.get_defaults()}
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name in known and value is not None}


def _environment() -> dict[str, str]:
    """How PostgreSQL's programs reach the same database; the password is in no command line."""
    variables = {option.keyword.decode(): option.envvar for option in Conninfo.get_defaults()}
    given = {
        variable.decode(): str(value)
        for name, value in _parameters().items()
        if (variable := variables[name]) is not None
    }
    return os.environ | given


def _require(process: subprocess.Popen[bytes], name: str, errors: BinaryIO) -> None:
    if process.returncode:
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip()
        raise BackupError(f"{name} failed: {said[-2000:] or process.returncode}")
