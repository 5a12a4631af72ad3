from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops.backup.checking import findings
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.management.backups import add_key_option, add_source, chosen_key, described, failures_told


class Command(BaseCommand):
    help = (
        "Read every byte of a backup: that all is there, and is what its digest says. "
        "Exit code 1, and what is wrong, if not. Needs no database."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        add_key_option(parser)

    def handle(self, *, source: str, id: str | None, key_file: Path | None, **options: Any) -> None:
        count = 0
        with failures_told():
            vault = open_vault(source, chosen_key(key_file))
            manifest = vault.manifest(id)
            self.stderr.write(described(manifest))
            for finding in findings(vault, manifest):
                self.stdout.write(finding)
                count += 1
        self.stderr.write(f"{count} findings" if count else "all there, and all as it was written")
        if count:
            sys.exit(1)
