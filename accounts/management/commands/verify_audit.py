from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from accounts.models import Organization
from accounts.trail.chaining import chain_events
from accounts.trail.verifying import Head, audit_findings, heads

NONE = "-"  # stands for events that belong to no organization


class Command(BaseCommand):
    help = (
        "Recompute the chains of the audit trail. Prints the newest place of each, to be noted elsewhere and given back "
        "with --known. Exit code 1 if something was changed or is gone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--known", type=Path, action="append", default=[], help="what this command printed earlier"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        chain_events(everywhere=True)
        known = _known(options["known"])
        slugs = {None: NONE} | dict(Organization.objects.values_list("pk", "slug"))
        unknown = sorted(set(known) - set(slugs.values()))
        findings = [f"{slug}: the organization is gone" for slug in unknown]
        for pk, slug in slugs.items():
            found = audit_findings(pk, known.get(slug, ()))
            findings += [f"{slug}: {what} {problem}" for what, problem in found]
        for pk, head in heads():
            self.stdout.write(f"{slugs[pk]} {head.position} {head.digest.hex()}")
        for finding in findings:
            self.stderr.write(finding)
        self.stderr.write(f"{len(slugs)} chains checked, " + _outcome(len(findings)))
        if findings:
            sys.exit(1)


def _outcome(findings: int) -> str:
    return f"{findings} findings" if findings else "all well"


def _known(files: list[Path]) -> dict[str, list[Head]]:
    known: dict[str, list[Head]] = {}
    for slug, head in (line for file in files for line in _lines(file)):
        known.setdefault(slug, []).append(head)
    return known


def _lines(file: Path) -> Iterator[tuple[str, Head]]:
    try:
        for line in file.read_text().splitlines():
            slug, position, digest = line.split()
            yield slug, Head(int(position), bytes.fromhex(digest))
    except (OSError, ValueError) as error:
        raise CommandError(f"{file} is not what this command prints: {error}") from None
