from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from gitslice.ops import demo


class Command(BaseCommand):
    help = "Load the demo organization, unless it is there already."

    def handle(self, *args: Any, **options: Any) -> None:
        made = demo.load()
        self.stdout.write(f"{'made' if made else 'found'} the organization {demo.SLUG}")
