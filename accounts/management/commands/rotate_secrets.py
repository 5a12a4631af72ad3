from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.resealing import reseal_everything

SHOWN = 20  # rows of a place that are named


class Command(BaseCommand):
    help = (
        "Seal every secret in the database with GITSLICE_SECRET_KEY; GITSLICE_SECRET_KEY_FALLBACKS open what older keys "
        "sealed. May be stopped and run again, while the system serves. Exit code 1 if some secret cannot be opened."
    )

    def handle(self, **options: Any) -> None:
        lost = []
        for outcome in reseal_everything():
            self.stdout.write(f"{outcome.name}: {outcome.changed} resealed, {outcome.current} current")
            if outcome.unreadable:
                rows = ", ".join(map(str, outcome.unreadable[:SHOWN]))
                more = ", ..." if len(outcome.unreadable) > SHOWN else ""
                lost.append(f"{outcome.name}: {len(outcome.unreadable)} cannot be opened (rows {rows}{more})")
        if lost:
            raise CommandError(
                "\n".join([*lost, "name the key that sealed them in GITSLICE_SECRET_KEY_FALLBACKS"])
            )
        self.stdout.write("Every secret opens with the newest key.")
