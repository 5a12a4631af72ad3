from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from gitslice import env
from gitslice.configuration import read
from gitslice.configuration.telling import in_force


class Command(BaseCommand):
    help = "Print every setting that is in force, and where it comes from; secrets are hidden."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print a JSON document")

    def handle(self, **options: Any) -> None:
        found = read()
        env.complete(found, settings.BASE_DIR)
        told = in_force(found)
        if options["json"]:
            self.stdout.write(json.dumps({"items": [asdict(setting) for setting in told]}, indent=2))
            return
        width = max(len(setting.name) for setting in told)
        for setting in told:
            self.stdout.write(f"{setting.name:{width}}  {setting.value or '-'}  ({setting.origin})")
