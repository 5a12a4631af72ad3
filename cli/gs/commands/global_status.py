"""`gs global status`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, global_path
from gs.output import emit, say
from gs.style import ago, fields, next_step, plural, short, style, table


@command()
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def status(ctx: Context, org: str | None) -> None:
    """The newest global commit, what waits for the next, and which slices are ahead."""
    emit(ctx.api().get(global_path(ctx.named_organization(org))), show)


def show(data: dict) -> None:
    when = f"g{data['number']}, {ago(data['time'])}" if data["commit"] else "nothing was merged yet"
    fields(
        [
            ("global", style(when, "title")),
            ("commit", short(data["commit"]) if data["commit"] else None),
            ("tags", ", ".join(data["tags"]) or None),
            ("pending", plural(data["pending_commits"], "commit")),
        ]
    )
    if data["problem"]:
        say(style(f"stopped {ago(data['problem']['since'])}: {data['problem']['message']}", "alarm"))
    if data["slices"]:
        rows = [
            [
                style(row["slice"], "bold"),
                plural(row["ahead"], "commit"),
                ago(row["last_merged"]["time"]) if row["last_merged"] else "never",
            ]
            for row in data["slices"]
        ]
        table(["slice", "ahead", "last merged"], rows)
    if data["pending_commits"] and not data["problem"]:
        next_step("gs global merge")
