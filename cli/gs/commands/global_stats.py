"""`gs global stats`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, global_path
from gs.output import emit, say
from gs.style import style, table

HEADERS = ["landings", "files", "conflicts", "to land", "to global"]


@command()
@click.option("--days", type=click.IntRange(1, 366), default=14, show_default=True, help="How far back.")
@click.option("--org", metavar="ORG", help="Organization (default: yours).")
def stats(ctx: Context, days: int, org: str | None) -> None:
    """Landings, conflicts and latencies, by day and by slice."""
    emit(ctx.api().get(f"{global_path(ctx.named_organization(org))}stats/", days=days), show)


def show(data: dict) -> None:
    rows = [[day["day"], *_facts(day), day["global_commits"]] for day in data["days"]]
    table(["day", *HEADERS, "global commits"], rows)
    say()
    busy = [row for row in data["slices"] if row["landings"] or row["conflicts"] or row["ahead"]]
    rows = [[style(row["slice"], "bold"), *_facts(row), row["ahead"] or 0] for row in busy]
    table(["slice", *HEADERS, "ahead"], rows, empty="Nothing happened in these days.")


def _facts(row: dict) -> list:
    """Times are medians: from the changeset to its landing, and from there to the global state."""
    return [
        row["landings"],
        row["files"],
        row["conflicts"],
        duration(row["changeset_seconds"]),
        duration(row["global_seconds"]),
    ]


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 min`, `3.5 h`, `2.0 d`."""
    if seconds is None:
        return "-"
    for limit, step, unit in ((60, 1, "s"), (3600, 60, "min"), (2 * 86400, 3600, "h")):
        if seconds < limit:
            return f"{seconds / step:.1f} {unit}"
    return f"{seconds / 86400:.1f} d"
