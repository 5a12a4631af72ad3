from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from gitslice.ops.backup.restoring import Restored, restore
from gitslice.ops.backup.vaults import open_vault
from gitslice.ops.management.backups import add_key_option, add_source, chosen_key, described, failures_told


class Command(BaseCommand):
    help = "Restore a backup into an empty system, check it, and say what to do next. A system in use is refused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_source(parser)
        add_key_option(parser)
        parser.add_argument(
            "--keep-objects",
            action="store_true",
            help="the object store is that of the lost database: leave what is there, and mend what is missing",
        )

    def handle(
        self, *, source: str, id: str | None, key_file: Path | None, keep_objects: bool, **options: Any
    ) -> None:
        with failures_told():
            vault = open_vault(source, chosen_key(key_file))
            manifest = vault.manifest(id)
            self.stderr.write(described(manifest))
            restored = restore(vault, manifest, keep_objects=keep_objects)
        self.stdout.write(_next_steps(restored))
        try:
            call_command("fsck", stdout=self.stdout, stderr=self.stderr)
        except SystemExit:
            raise CommandError("restored, but fsck finds what is told above: do not let people in") from None


def _next_steps(restored: Restored) -> str:
    """What an administrator must know now, in the order in which it matters."""
    at = restored.manifest.made_at
    steps = [
        f"Everything is as it was at {at}; what landed later is lost. People who have it in a working directory "
        "can submit it again.",
        "Start the web servers and workers anew (with `make run`: stop and start it).",
        "All sessions have ended. API tokens are valid as they were then: revoke again those that were revoked "
        f"since {at}, and deactivate again who was deactivated.",
    ]
    if restored.paused_webhooks:
        steps.append(
            f"Webhooks are paused ({restored.paused_webhooks}), so that nobody is told anything twice; deliveries "
            "that waited are marked as failed. Make each active again (PATCH /api/v1/webhooks/ORG/ID/), and redeliver "
            "what matters."
        )
    if restored.migrated:
        steps.append(f"The backup is of an older version: {restored.migrated} migrations were applied.")
    if restored.unreadable:
        steps.append(
            f"{restored.unreadable} secrets (of webhooks, identity providers, second factors) are sealed under "
            "another GITSLICE_SECRET_KEY: set the old one, or name it in GITSLICE_SECRET_KEY_FALLBACKS."
        )
    return "\n".join(["Restored. Next:", *(f"  {number}. {step}" for number, step in enumerate(steps, 1))])
