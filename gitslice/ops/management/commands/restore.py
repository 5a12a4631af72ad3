from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops.backup.restoring import restore
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.management.backups import add_key_option, add_source, chosen_key, described, failures_told
from gitslice.ops.management.restored import check_rows, next_steps


class Command(BaseCommand):
    help = "Restore a backup into an empty system, check it, and say what to do next. A system in use is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        add_key_option(parser)
        parser.add_argument(
            "--keep-objects",
            action="store_true",
            help="the object store is that of the lost database: leave what is there, and mend what is missing",
        )

    def handle(
        self, *, source: str, id: str | None, key_file: Path | None, keep_objects: bool, **options: Any
    ) -> None:
        with failures_told():
            vault = open_vault(source, chosen_key(key_file))
            manifest = vault.manifest(id)
            self.stderr.write(described(manifest))
            restored = restore(vault, manifest, keep_objects=keep_objects)
        self.stdout.write(next_steps(restored, f"as it was at {manifest.made_at}"))
        check_rows(self.stdout, self.stderr)
