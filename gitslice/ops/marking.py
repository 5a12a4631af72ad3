"""Telling older code of the migrations that this one brings.

A migration after which code from before it fails says so: `breaks_older_code = True` in its class. All others are
additive, and old and new code run side by side (docs/upgrading.md).
"""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.migrations.loader import MigrationLoader

from gitslice import __version__
from gitslice.ops.models import MigrationMark


def mark_migrations(*, using: str, **_: Any) -> None:
    """Remember every migration of this code, those that are there already as they are."""
    if MigrationMark._meta.db_table not in connections[using].introspection.table_names():
        return  # at the very first migration: it comes again after it
    known = MigrationLoader(None, ignore_no_migrations=True).disk_migrations
    marked = set(MigrationMark.objects.using(using).values_list("app", "name"))
    MigrationMark.objects.using(using).bulk_create(
        [
            MigrationMark(
                app=app,
                name=name,
                version=__version__,
                breaks_older_code=getattr(migration, "breaks_older_code", False),
            )
            for (app, name), migration in known.items()
            if (app, name) not in marked
        ],
        ignore_conflicts=True,
    )
