"""`gs slice status`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.output import emit
from gs.style import ago, fields, next_step, plural, short, size, state, style


@command()
@click.argument("name", required=False)
def status(ctx: Context, name: str | None) -> None:
    """Head, health, pending changesets and conflicts of a slice (default: of this directory)."""
    emit(ctx.api().get(slice_path(*ctx.slice_or_current(name)) + "status/"), show)


def show(data: dict) -> None:
    fields(
        [
            ("slice", style(data["slice"], "title")),
            ("health", state(data["health"])),
            ("head", f"{short(data['head'])}, {ago(data.get('head_time'))}"),
            ("files", f"{data['file_count']:,} ({size(data.get('bytes'))})"),
            ("pending", data["pending_changesets"]),
            ("conflicts", data["open_conflicts"]),
            ("global", merged(data)),
            ("locked", style("yes", "yellow") if data.get("locked") else None),
        ]
    )
    if data["open_conflicts"]:
        next_step(f"gs conflict list --slice {data['slice']}")


def merged(data: dict) -> str:
    """Where the slice stands with the global state."""
    last = data["last_merged"]
    at = f"merged {ago(last['time'])} into g{last['number']}" if last else "never merged"
    return f"{at}, {plural(data['ahead'], 'commit')} ahead" if data["ahead"] else at
