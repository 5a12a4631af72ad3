"""`--org` of commands that go through organizations."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import QuerySet

from accounts.models import Organization


def add_org_option(parser: CommandParser) -> None:
    parser.add_argument("--org", help="only this organization")


def chosen_organizations(options: dict[str, Any]) -> QuerySet[Organization]:
    """The organization that was named, or all. Raises CommandError."""
    organizations = Organization.objects.order_by("slug")
    if not options["org"]:
        return organizations
    named = organizations.filter(slug=options["org"])
    if not named:
        raise CommandError(f"there is no organization {options['org']}")
    return named
