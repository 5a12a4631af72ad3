from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from gitslice.objects.format import ensure_format
from gitslice.ops.static import collect_changed
from gitslice.ops.storage import ensure_bucket


class Command(BaseCommand):
    help = "Bring database, object store and static files up to date, before the servers start."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--demo", action="store_true", help="load the demo organization as well")
        parser.add_argument("--no-static", action="store_true", help="static files are in place already")

    def handle(self, *, demo: bool, no_static: bool, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        ensure_bucket()
        ensure_format()
        if not no_static:
            collect_changed()
        if demo and "demo" in get_commands():
            call_command("demo", stdout=self.stdout)
