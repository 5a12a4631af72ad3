from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from gitslice_core.trees import TreeError
from slices.global_state.recomputing import rebuild_trees
from slices.management.organizations import add_org_option, chosen_organizations


class Command(BaseCommand):
    help = "Make the Merkle trees of all global commits anew from the commits in them, and store what is missing."

    def add_arguments(self, parser: CommandParser) -> None:
        add_org_option(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for organization in chosen_organizations(options):
            try:
                count = rebuild_trees(organization.pk)
            except TreeError as error:
                raise CommandError(f"{organization}: {error}; run 'manage.py fsck'") from None
            self.stdout.write(f"{organization}: {count} global commits")
