"""`gs init`: bind an empty directory to a slice and fill it."""

from __future__ import annotations

import os
import time

from gs import config
from gs.cache import Cache
from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.output import emit, say
from gs.progress import Progress
from gs.style import plural, short, size
from gs.transfer import Manifest, cached_manifest
from gs.workdir import index as indexes
from gs.workdir.binding import Binding, create, find
from gs.workdir.checkout import fill
from gs.workdir.files import Tree, check_paths
from gs.workdir.lock import locked
from gs.workdir.oplog import note
from gs.workdir.selection import selected


@command()
@click.argument("name")
@click.argument("directory", required=False)
@click.option("--path", "pattern", metavar="PATTERN", help="Only a part of the slice: a folder or a glob.")
@click.option("--commit", metavar="COMMIT", help="The state at a commit (default: the head).")
@click.option("--force", is_flag=True, help="Also where files stand; those of the slice are overwritten.")
def init(
    ctx: Context, name: str, directory: str | None, pattern: str | None, commit: str | None, force: bool
) -> None:
    """Bind a directory to a slice and check its files out."""
    started = time.monotonic()
    organization, slice = ctx.parse_slice(name)
    root = os.path.abspath(directory or slice)
    fresh = _check_free(root, organization, slice, force)
    api = ctx.api()
    address = slice_path(organization, slice)
    cache = Cache()
    found = cached_manifest(api, cache, address, commit)
    rows = selected(found.entries(), pattern)
    os.makedirs(root, exist_ok=True)
    check_paths(root, rows)
    binding = create(root, config.endpoint(), organization, slice, pattern)
    with locked(root):
        total = sum(row.size for row in rows.values())
        binding.update(target=found.commit)
        with Progress("Checking out", len(rows), total) as progress:
            if rows:
                assert found.commit is not None
                fill(
                    api,
                    cache,
                    address,
                    found.commit,
                    Tree(root),
                    rows,
                    progress,
                    everything=pattern is None,
                    fresh=fresh,
                )
        finish(binding, found, indexes.Index(rows))
        note(binding, "init", commit=found.commit, files=len(rows))
    emit(
        {
            "slice": f"{organization}/{slice}",
            "directory": root,
            "commit": found.commit,
            "files": len(rows),
            "bytes": total,
            "seconds": round(time.monotonic() - started, 3),
        },
        show,
    )


def finish(binding: Binding, found: Manifest, index: indexes.Index) -> None:
    """The directory holds the manifest's files now."""
    index.save(binding.own("index"))
    head = found.commit
    binding.update(base=found.commit, definition=found.definition, head=head, behind=None, target=None)


def show(data: dict) -> None:
    at = f" at {short(data['commit'])}" if data["commit"] else ", which is empty yet"
    say(f"{data['slice']}{at}: {plural(data['files'], 'file')}, {size(data['bytes'])} in {data['seconds']} s")
    say(f"  cd {os.path.relpath(data['directory'])}")


def _check_free(root: str, organization: str, slice: str, force: bool) -> bool:
    """Whether the directory is new or empty. One whose filling was broken off is filled again."""
    if os.path.exists(root) and not os.path.isdir(root):
        raise GsError("failed", f"{root} is not a directory")
    outer = find(os.path.dirname(root))
    if outer is not None and not force:
        raise GsError(
            "failed", f"{root} lies in the working directory {outer.root}", "choose another place, or --force"
        )
    if not os.path.isdir(root) or not os.listdir(root):
        return True
    binding = find(root)
    if binding is not None and binding.root == root and binding.base is None:
        unfinished = os.path.exists(binding.own("state")) and not os.path.exists(binding.own("index"))
        if unfinished and (binding.org, binding.slice) == (organization, slice):
            return False
    if not force:
        raise GsError("failed", f"{root} is not empty", "choose another directory, or --force")
    return False
