from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.trail.chaining import chain_events
from slices.fsck import check_organization
from slices.management.organizations import add_org_option, chosen_organizations


class Command(BaseCommand):
    help = "Check commits, path heads, definitions and slice logs against each other. Exit code 1 if something is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        add_org_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        organizations = chosen_organizations(options)
        chain_events(everywhere=True)
        findings = 0
        for organization in organizations:
            for finding in check_organization(organization):
                self.stdout.write(f"{organization}: {finding}")
                findings += 1
        checked = "1 organization" if len(organizations) == 1 else f"{len(organizations)} organizations"
        self.stderr.write(f"{checked} checked, " + (f"{findings} findings" if findings else "all well"))
        if findings:
            sys.exit(1)
