from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops.backup.restoring import after_recovery
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.management.backups import add_key_option, chosen_key, failures_told
from gitslice.ops.management.restored import check_rows, next_steps


class Command(BaseCommand):
    help = (
        "After PostgreSQL has recovered the database to an earlier moment: read every pack that the rows name, end "
        "sessions, pause webhooks, check the rows, and say what to do next."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--packs-from", help="backups that have the packs which the object store lost")
        add_key_option(parser)

    def handle(self, *, packs_from: str | None, key_file: Path | None, **options: Any) -> None:
        with failures_told():
            vault = open_vault(packs_from, chosen_key(key_file)) if packs_from else None
            restored = after_recovery(vault)
        self.stdout.write(next_steps(restored, "as it was at the moment of the recovery"))
        check_rows(self.stdout, self.stderr)
