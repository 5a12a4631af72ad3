from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from slices.coverage_counts import count_coverage
from slices.management.organizations import add_org_option, chosen_organizations
from slices.models import CoverageCount


class Command(BaseCommand):
    help = "Count anew how many files and bytes each set of slices covers, folder by folder."

    def add_arguments(self, parser: CommandParser) -> None:
        add_org_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for organization in chosen_organizations(options):
            count_coverage(organization.pk, anew=True)
            rows = CoverageCount.objects.filter(organization=organization).count()
            self.stdout.write(f"{organization}: {rows} counts")
