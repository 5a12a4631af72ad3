"""`gs conflict list`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.conflictview import KINDS, print_conflicts
from gs.context import Context
from gs.http import quote
from gs.output import emit
from gs.style import more, next_step


@command("list")
@click.option("--slice", "slice_name", metavar="SLICE", help="Conflicts of this slice's changesets.")
@click.option("--changeset", metavar="ID", help="Conflicts of this changeset.")
@click.option(
    "--severity", type=click.Choice(["low", "medium", "high", "critical"]), help="Only this severity."
)
@click.option("--kind", type=click.Choice(list(KINDS)), help="Only this kind.")
@click.option("--detailed", is_flag=True, help="Both sides and the hunks of each.")
@click.option("--all", "everything", is_flag=True, help="Resolved and obsolete ones too.")
@paging
def list_conflicts(
    ctx: Context,
    slice_name: str | None,
    changeset: str | None,
    severity: str | None,
    kind: str | None,
    detailed: bool,
    everything: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """Open conflicts of a slice or changeset (default: of this directory's changeset or slice, else of the organization)."""
    organization, query = scope(ctx, slice_name, changeset)
    query.update(
        severity=severity, kind=kind, state="all" if everything else "open", limit=limit, cursor=cursor
    )
    emit(ctx.api().get(f"conflicts/{quote(organization)}/", **query), lambda data: show(data, detailed))


def scope(ctx: Context, slice_name: str | None, changeset: str | None) -> tuple[str, dict]:
    """The organization and the filter that flags, or the working directory, mean."""
    if changeset:
        organization, number = ctx.parse_changeset(changeset)
        return organization, {"changeset": f"cl-{number}"}
    binding = ctx.binding()
    if binding and binding.changeset and not slice_name:
        return binding.org, {"changeset": binding.changeset}
    if slice_name or binding:
        organization, name = ctx.slice_or_current(slice_name)
        return organization, {"slice": f"{organization}/{name}"}
    return ctx.organization(), {}


def show(data: dict, detailed: bool) -> None:
    print_conflicts(data["items"], detailed=detailed)
    more(data)
    if data["items"]:
        next_step(f"gs conflict resolve --changeset {data['items'][0]['changeset']}")
