from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops import demo


class Command(BaseCommand):
    help = "Load the demo organization, unless it is there already."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.load()
        members = ", ".join(sorted({name for names in demo.TEAMS.values() for name in names}))
        self.stdout.write(
            f"The demo organization is {demo.SLUG}. Users: olga (owner, also in /admin/), {members};"
            f" password: {demo.PASSWORD}"
        )
