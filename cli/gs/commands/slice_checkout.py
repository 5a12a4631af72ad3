"""`gs slice checkout`: the files of a slice at a commit, without binding a directory."""

from __future__ import annotations

import os

from gs.cache import Cache
from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.output import emit, say
from gs.progress import Progress
from gs.style import plural, short, size
from gs.transfer import manifest
from gs.workdir.checkout import fill
from gs.workdir.files import Tree, check_paths


@command("checkout")
@click.argument("name")
@click.argument("directory", required=False)
@click.option("--commit", metavar="COMMIT", help="The state at a commit (default: the head).")
def checkout(ctx: Context, name: str, directory: str | None, commit: str | None) -> None:
    """Write the files of a slice into a directory, without binding it."""
    organization, slice = ctx.parse_slice(name)
    root = os.path.abspath(directory or slice)
    if os.path.exists(root) and (not os.path.isdir(root) or os.listdir(root)):
        raise GsError("failed", f"{root} is not an empty directory", "choose another place")
    api = ctx.api()
    address = slice_path(organization, slice)
    found = manifest(api, address, commit)
    rows = found.entries()
    os.makedirs(root, exist_ok=True)
    check_paths(root, rows)
    total = sum(row.size for row in rows.values())
    with Progress("Checking out", len(rows), total) as progress:
        if rows:
            assert found.commit is not None
            tree = Tree(root)
            fill(api, Cache(), address, found.commit, tree, rows, progress, everything=True, fresh=True)
    emit(
        {
            "slice": f"{organization}/{slice}",
            "directory": root,
            "commit": found.commit,
            "files": len(rows),
            "bytes": total,
        },
        show,
    )


def show(data: dict) -> None:
    say(f"{data['slice']} at {short(data['commit'])}: {plural(data['files'], 'file')}, {size(data['bytes'])}")
