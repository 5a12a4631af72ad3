"""Whether this code fits the database's schema and the object store's format. Asked before anything starts.

What cannot be asked is no reason not to start: while a server is away requests are answered 503, and `/readyz` tells.
"""

from __future__ import annotations

import logging
import sys

from django.db import connection
from django.db.migrations.loader import MigrationLoader

from gitslice import __version__
from gitslice.common.problems import AWAY
from gitslice.objects.format import UnknownFormat, ensure_format
from gitslice.ops.models import MigrationMark

log = logging.getLogger(__name__)

EXIT_CODE = 3  # with this one gunicorn does not start a worker again and again
Key = tuple[str, str]  # app and name of a migration
MARKS: Key = ("ops", "0001_initial")  # the migration that makes their table


class DoesNotFit(Exception):
    """This code must not work on this data; the text says what to do."""


def stop_unless_fitting(*, migrating: bool = False) -> None:
    """End the process with one line on stderr if this code does not fit the data. Leaves no connection open, since
    some who ask are about to fork."""
    try:
        require_fitting(migrating=migrating)
    except DoesNotFit as reason:
        print(f"error: {reason}", file=sys.__stderr__)  # Celery has put its log in the place of sys.stderr
        sys.exit(EXIT_CODE)
    finally:
        connection.close()
        if connection.pool:  # type: ignore[attr-defined]
            connection.close_pool()  # type: ignore[attr-defined]


def require_fitting(*, migrating: bool = False) -> None:
    """Raises DoesNotFit. Who is about to migrate may find a schema that is older."""
    try:
        require_schema(migrating=migrating)
    except AWAY as error:
        log.warning("the schema is not checked: the database does not answer: %s", error)
    try:
        ensure_format()
    except UnknownFormat as error:
        raise DoesNotFit(str(error)) from None


def require_schema(*, migrating: bool = False) -> None:
    """Raises DoesNotFit."""
    loader = MigrationLoader(connection)
    applied = set(loader.applied_migrations)
    if newer := _breaking(_unknown(loader, applied), marked=MARKS in applied):
        version, name = newer
        raise DoesNotFit(
            f"the database's schema is newer than this code, GitSlice {__version__}: {version} wrote it ({name}); "
            "start that version or a newer one, or restore a backup made before"
        )
    missing = sorted(key for key in loader.graph.nodes if key not in applied)
    if missing and not migrating:
        others = f" and {len(missing) - 1} more" if missing[1:] else ""
        raise DoesNotFit(
            f"the database's schema is older than this code, GitSlice {__version__}: {_told(missing[0])}{others} "
            "missing; run 'manage.py migrate'"
        )


def _unknown(loader: MigrationLoader, applied: set[Key]) -> set[Key]:
    """Migrations that were applied and that this code neither has nor has replaced."""
    replaced = {key for migration in loader.replacements.values() for key in migration.replaces}
    return applied - set(loader.disk_migrations) - replaced


def _breaking(unknown: set[Key], *, marked: bool) -> tuple[str, str] | None:
    """Who applied a migration that this code cannot live with, and which, if there is one."""
    if not unknown:
        return None
    rows = MigrationMark.objects.filter(app__in={app for app, _ in unknown}) if marked else ()
    marks = {(mark.app, mark.name): mark for mark in rows}
    for key in sorted(unknown):
        mark = marks.get(key)
        if mark is None:
            return "another version", _told(key)
        if mark.breaks_older_code:
            return f"GitSlice {mark.version}", _told(key)
    return None


def _told(key: Key) -> str:
    return ".".join(key)
