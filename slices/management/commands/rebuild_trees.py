from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Organization
from gitslice_core.trees import TreeError
from slices.global_state.recomputing import rebuild_trees


class Command(BaseCommand):
    help = "Make the Merkle trees of all global commits anew from the commits in them, and store what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--org", help="only this organization")

    def handle(self, *args: Any, **options: Any) -> None:
        organizations = Organization.objects.order_by("slug")
        if options["org"]:
            organizations = organizations.filter(slug=options["org"])
            if not organizations:
                raise CommandError(f"there is no organization {options['org']}")
        for organization in organizations:
            try:
                count = rebuild_trees(organization.pk)
            except TreeError as error:
                raise CommandError(f"{organization}: {error}; run 'manage.py fsck'") from None
            self.stdout.write(f"{organization}: {count} global commits")
