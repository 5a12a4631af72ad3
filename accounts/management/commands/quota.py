from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from accounts.models import Organization, Quota
from accounts.quotas.amounts import parse_limit
from accounts.quotas.services import quotas_of, recount, set_limit
from gitslice.common.errors import DomainError


class Command(BaseCommand):
    help = "Show what an organization may have and has; with options, set limits ('none' takes one away)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("org")
        parser.add_argument("--bytes", metavar="SIZE", help="of stored packs, such as 50G")
        parser.add_argument("--slices", metavar="N", help="besides the root slice")
        parser.add_argument("--members", metavar="N", help="people; service accounts do not count")
        parser.add_argument("--recount", action="store_true", help="count anew what is used")

    def handle(self, *, org: str, **options: Any) -> None:
        organization = Organization.objects.filter(slug=org).first()
        if organization is None:
            raise CommandError(f"there is no organization {org}")
        wanted = {kind: options[kind] for kind in Quota.Kind.values if options[kind] is not None}
        try:
            limits = {kind: parse_limit(kind, text) for kind, text in wanted.items()}
        except DomainError as error:
            raise CommandError(str(error)) from None
        with transaction.atomic():
            for kind, limit in limits.items():
                set_limit(actor=None, organization=organization, kind=kind, limit=limit)
            if options["recount"]:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL statement_timeout = 0")
                recount(organization)
        for quota in quotas_of(organization):
            self.stdout.write(f"{quota.kind:<8} {quota.shown}")
