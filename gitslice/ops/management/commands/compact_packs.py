from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gitslice.common.errors import DomainError
from gitslice.objects.compacting import compact
from gitslice.ops.integrity.cleaning import one_at_a_time
from slices.management.organizations import chosen_organizations


class Command(BaseCommand):
    help = "Make large packs of small ones, and leave out dead bytes. The server may serve meanwhile."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", "--org", dest="org", help="only this organization")
        parser.add_argument("--dry-run", action="store_true", help="say what would be rewritten")
        parser.add_argument(
            "--max-bytes", type=int, help="instead of GITSLICE_COMPACT_BYTES, an organization"
        )

    def handle(self, *, dry_run: bool, max_bytes: int | None, **options: Any) -> None:
        damaged = 0
        with one_at_a_time("compact") as alone:
            if not alone:
                raise CommandError("another compaction is running")
            for organization in chosen_organizations(options):
                try:
                    done = compact(organization.pk, max_bytes=max_bytes, dry_run=dry_run)
                except DomainError as error:
                    raise CommandError(f"{organization}: {error}") from None
                would = "would be " if dry_run else ""
                self.stdout.write(
                    f"{organization}: {done.packs} packs of {done.bytes} bytes {would}made into {done.made}"
                )
                damaged += done.damaged
        if damaged:
            raise CommandError(
                f"{damaged} groups of packs are left, as one of each is damaged: run 'manage.py fsck'"
            )
