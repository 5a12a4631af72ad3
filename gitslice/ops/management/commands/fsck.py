from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from accounts.models import Organization
from accounts.trail.chaining import chain_events
from gitslice.objects.checking import Budget, due_packs
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.integrity.checking import Wanted, findings
from gitslice.ops.integrity.repairing import Backup, repair
from gitslice.ops.management.backups import add_key_option, chosen_key, failures_told
from slices.fsck import Finding
from slices.management.organizations import chosen_organizations


class Command(BaseCommand):
    help = "Check all rows, and packs that were not checked for a while. Exit code 1 if something is wrong."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--organization", "--org", dest="org", help="only this organization")
        parser.add_argument("--full", action="store_true", help="read every pack, whenever it was checked")
        parser.add_argument("--no-packs", action="store_true", help="check rows alone")
        parser.add_argument("--days", type=int, default=30, help="packs checked since are left out (30)")
        parser.add_argument("--max-seconds", type=float, help="for packs; the next run goes on")
        parser.add_argument("--max-bytes", type=int, help="of packs; the next run goes on")
        parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")
        parser.add_argument("--from", dest="source", help="a backup that lost blobs may be taken from")
        parser.add_argument("--id", help="of the backup; else the newest")
        add_key_option(parser)

    def handle(self, **options: Any) -> None:
        organizations = list(chosen_organizations(options))
        wanted = Wanted(
            packs=not options["no_packs"],
            days=None if options["full"] else options["days"],
            budget=Budget(options["max_seconds"], options["max_bytes"]),
        )
        backup = self._backup(options)
        chain_events(everywhere=True)
        out = _Document(self.stdout) if options["json"] else _Lines(self.stdout)
        for organization in organizations:
            for finding in self._left(organization, wanted, options["repair"], backup):
                out.add(organization, finding)
        left = due_packs(before=None).filter(checked_at=None).count() if wanted.packs else 0
        out.end(
            organizations=len(organizations), packs=wanted.budget.packs, bytes=wanted.budget.bytes, left=left
        )
        self.stderr.write(_told(len(organizations), out.count, wanted, left))
        if out.count:
            sys.exit(1)

    def _left(
        self, organization: Organization, wanted: Wanted, mend: bool, backup: Backup | None
    ) -> Iterator[Finding]:
        """What is wrong; with `mend`, what still is after repairs."""
        if not mend:
            yield from findings(organization, wanted)
            return
        found = list(findings(organization, wanted))
        for done in repair(organization, found, backup):
            self.stderr.write(f"{organization}: {done}")
        if found:
            yield from findings(organization, Wanted(packs=wanted.packs, again=True))

    def _backup(self, options: dict[str, Any]) -> Backup | None:
        if not options["source"]:
            return None
        with failures_told():
            vault = open_vault(options["source"], chosen_key(options["key_file"]))
            return Backup(vault, vault.manifest(options["id"]))


class _Lines:
    def __init__(self, out: Any) -> None:
        self._out = out
        self.count = 0

    def add(self, organization: Organization, finding: Finding) -> None:
        self._out.write(f"{organization}: {finding}")
        self.count += 1

    def end(self, **numbers: int) -> None:
        """Lines need none."""


class _Document(_Lines):
    """Written piece by piece, however much is found."""

    def add(self, organization: Organization, finding: Finding) -> None:
        body = {
            "organization": organization.slug,
            "subject": finding.subject,
            "problem": finding.problem,
            "data": "derived" if finding.derived else "truth",
            **finding.facts,
        }
        self._out.write(("," if self.count else '{"findings": [') + "\n  " + json.dumps(body))
        self.count += 1

    def end(self, **numbers: int) -> None:
        begin = "" if self.count else '{"findings": ['
        facts = {"ok": not self.count, "checked": numbers}
        self._out.write(begin + "], " + json.dumps(facts)[1:])


def _told(organizations: int, count: int, wanted: Wanted, left: int) -> str:
    checked = "1 organization" if organizations == 1 else f"{organizations} organizations"
    packs = f", {wanted.budget.packs} packs of {wanted.budget.bytes} bytes read" if wanted.packs else ""
    more = f", {left} packs never read yet" if left else ""
    return f"{checked} checked{packs}{more}, " + (f"{count} findings" if count else "all well")
