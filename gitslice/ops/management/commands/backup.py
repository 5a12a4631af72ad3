from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops.backup.making import Made, make_backup
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.management.backups import add_key_option, chosen_key, described, failures_told


class Command(BaseCommand):
    help = "Make a backup while the system serves, and print its id. Packs that are there already are not copied again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("destination", help="a folder, file:///folder or s3://bucket?endpoint=URL")
        add_key_option(parser)
        parser.add_argument(
            "--keep",
            type=_positive,
            help="then remove all but so many of the newest, and packs that none of them needs",
        )

    def handle(self, *, destination: str, key_file: Path | None, keep: int | None, **options: Any) -> None:
        with failures_told():
            made = make_backup(open_vault(destination, chosen_key(key_file), make=True), keep=keep)
        self.stderr.write(_told(made))
        self.stdout.write(made.manifest.id)


def _told(made: Made) -> str:
    lines = [described(made.manifest), f"  {made.copied} packs copied, {made.copied_bytes} bytes"]
    if made.removed.backups or made.removed.packs:
        lines.append(f"  removed: {made.removed.backups} backups, {made.removed.packs} packs")
    return "\n".join(lines)


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise ArgumentTypeError("must be 1 or more")
    return int(text)
