"""`gs org`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.context import Context
from gs.output import emit
from gs.style import more, style, table


@command("list")
@paging
def list_organizations(ctx: Context, limit: int, cursor: str | None) -> None:
    """Organizations you are in."""
    emit(ctx.api().get("orgs/", limit=limit, cursor=cursor), show)


def show(data: dict) -> None:
    rows = [
        [
            style(item.get("organization") or item.get("slug"), "bold"),
            item.get("role") or "-",
            item.get("name") or "",
        ]
        for item in data["items"]
    ]
    table(["organization", "role", "name"], rows, empty="You are in no organization yet.")
    more(data)
