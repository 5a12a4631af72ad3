from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from gitslice.common.errors import DomainError
from gitslice.objects.collecting import collect
from gitslice.objects.compacting import compact
from gitslice.objects.removing import queue_orphans
from gitslice.ops.integrity.cleaning import delete_objects, one_at_a_time
from slices.management.organizations import chosen_organizations


class Command(BaseCommand):
    help = (
        "Delete blobs that nothing names and nobody has uploaded for a while. The server may serve meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", "--org", dest="org", help="only this organization")
        parser.add_argument("--dry-run", action="store_true", help="say what would be deleted")
        parser.add_argument("--grace-days", type=float, help="instead of GITSLICE_GC_GRACE_DAYS")

    def handle(self, *, dry_run: bool, grace_days: float | None, **options: Any) -> None:
        grace = None if grace_days is None else timedelta(days=grace_days)
        with one_at_a_time("collect") as alone:
            if not alone:
                raise CommandError("another garbage collection is running")
            for organization in chosen_organizations(options):
                self._collect(organization, grace, dry_run)
            if not dry_run:
                self.stdout.write(f"{delete_objects()} objects that were due deleted")

    def _collect(self, organization: Organization, grace: timedelta | None, dry_run: bool) -> None:
        try:
            collected = collect(organization.pk, grace=grace, dry_run=dry_run)
            compacted = compact(organization.pk, dry_run=dry_run, small=False)
        except DomainError as error:
            raise CommandError(f"{organization}: {error}") from None
        orphans = 0 if dry_run else queue_orphans(organization.pk)
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"{organization}: {collected.blobs} blobs of {collected.bytes} bytes {would}deleted, "
            f"{collected.packs} packs {would}dropped, {compacted.packs} rewritten, {orphans} objects without a row queued"
        )
