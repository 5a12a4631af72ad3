"""`gs conflict history`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.http import quote
from gs.output import emit, say
from gs.style import ago, clean, more, state, style


@command()
@click.argument("path", metavar="PATH")
@click.option("--slice", "slice_name", metavar="SLICE", help="Whose tree (default: that of this directory).")
@paging
def history(ctx: Context, path: str, slice_name: str | None, limit: int, cursor: str | None) -> None:
    """Who collided at PATH and who chose what, oldest first."""
    organization = ctx.slice_or_current(slice_name)[0] if slice_name or ctx.binding() else ctx.organization()
    address = f"conflicts/{quote(organization)}/history/"
    query = {"limit": limit, "cursor": cursor}
    data = ctx.api().get(address, path=path, **query)
    if not data["items"] and ctx.tree_path(path) != path:
        data = ctx.api().get(address, path=ctx.tree_path(path), **query)
    emit(data, show)


def show(data: dict) -> None:
    for event in data["items"]:
        who = f"by {event['actor']}" if event["actor"] else ""
        say(
            f"{state(event['action'])} {_what(event)} {style(who, 'bold')} {style(ago(event['time']), 'dim')}".rstrip()
        )
        for line in event["body"].splitlines():
            say(f"    {clean(line)}")
    if not data["items"]:
        say("Nobody has collided there.")
    more(data)


def _what(event: dict) -> str:
    detail = event["detail"]
    sides = event["sides"]
    other = sides["theirs"] or {}
    against = " ".join(
        filter(None, (other.get("slice"), other.get("changeset") or (other.get("commit") or "")[:12]))
    )
    text = f"{event['changeset']} against {against or 'another team'}"
    if "choice" in detail:
        text += f": {detail['choice']}, patchset {detail['patchset']}"
    elif "assignee" in detail:
        text += f": {detail['assignee'] or 'nobody'} takes care of it"
    elif "severity" in detail:
        text += f": {detail['kind']}, {detail['severity']}"
    return clean(text)
