from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from changesets.models import Changeset
from conflicts.detection import detect
from conflicts.models import OpenEdit


class Command(BaseCommand):
    help = "Drop the index of open edits and make it anew, with the conflicts of all open changesets."

    def handle(self, *args: Any, **options: Any) -> None:
        OpenEdit.objects.all().delete()
        count = 0
        for changeset in Changeset.objects.open().order_by("pk").iterator(chunk_size=500):
            detect(changeset)
            count += 1
        self.stdout.write(f"{count} open changesets indexed")
