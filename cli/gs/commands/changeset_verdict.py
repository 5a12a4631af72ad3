"""`gs changeset approve` and `gs changeset reject`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, changeset_path
from gs.output import emit, say
from gs.style import next_step, state, style

CHANGESET = click.argument("changeset", metavar="[ID]", required=False)
MESSAGE = click.option("-m", "--message", default="", metavar="TEXT", help="Why.")
PATCHSET = click.option(
    "--patchset", type=click.IntRange(min=1), help="Only if this is still the newest patchset."
)


@command()
@CHANGESET
@MESSAGE
@PATCHSET
def approve(ctx: Context, changeset: str | None, message: str, patchset: int | None) -> None:
    """Approve a changeset's newest patchset."""
    give(ctx, changeset, "approve", message, patchset)


@command()
@CHANGESET
@MESSAGE
@PATCHSET
def reject(ctx: Context, changeset: str | None, message: str, patchset: int | None) -> None:
    """Ask for changes: the changeset is rejected until there is a new patchset."""
    give(ctx, changeset, "reject", message, patchset)


def give(ctx: Context, changeset: str | None, verdict: str, message: str, patchset: int | None) -> None:
    body = {"verdict": verdict, "body": message, "expected_patchset": patchset}
    emit(ctx.api().post(changeset_path(*ctx.parse_changeset(changeset)) + "reviews/", body), show)


def show(data: dict) -> None:
    say(f"{style(data['changeset'], 'bold')} is {state(data['state'])}.")
    if data["state"] == "approved":
        next_step(f"gs changeset merge {data['changeset']}")
