"""What follows when a system has been set back."""

from __future__ import annotations

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError

from gitslice.ops.backup.restoring import Restored


def next_steps(restored: Restored, state: str) -> str:
    """What an administrator must know now, in the order in which it matters."""
    steps = [
        f"Everything is {state}; what landed later is lost. Who landed something since still has it in a working "
        "directory: copy that away before `gs pull` brings it back to what is here.",
        "Start the web servers and workers anew (with `make run`: stop and start it).",
        "All sessions have ended. API tokens are valid as they were then: revoke again those that were revoked "
        "since, and deactivate again who was deactivated.",
    ]
    if restored.paused_webhooks:
        steps.append(
            f"Webhooks are paused ({restored.paused_webhooks}), so that nobody is told anything twice; deliveries "
            "that waited are marked as failed. Make each active again (PATCH /api/v1/webhooks/ORG/ID/), and redeliver "
            "what matters."
        )
    if restored.migrated:
        steps.append(f"The rows are of an older version: {restored.migrated} migrations were applied.")
    if restored.unreadable:
        steps.append(
            f"{restored.unreadable} secrets (of webhooks, identity providers, second factors) are sealed under "
            "another GITSLICE_SECRET_KEY: set the old one, or name it in GITSLICE_SECRET_KEY_FALLBACKS."
        )
    return "\n".join(["Restored. Next:", *(f"  {number}. {step}" for number, step in enumerate(steps, 1))])


def check_rows(stdout: Any, stderr: Any) -> None:
    try:
        call_command("fsck", "--no-packs", stdout=stdout, stderr=stderr)
    except SystemExit:
        raise CommandError("restored, but fsck finds what is told above: do not let people in") from None
