from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from slices.management.organizations import add_org_option, chosen_organizations
from slices.search.index import rebuild


class Command(BaseCommand):
    help = "Make the texts that are searched anew from the path heads and their contents."

    def add_arguments(self, parser: CommandParser) -> None:
        add_org_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for organization in chosen_organizations(options):
            self.stdout.write(f"{organization}: {rebuild(organization.pk)} files")
