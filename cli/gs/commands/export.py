"""`gs export dir`: the tree of a tag, a global commit or a commit, as files or as a tar stream."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from datetime import datetime
from typing import TYPE_CHECKING

from gitslice_core.archives import permissions, tar_member
from gitslice_core.paths import ancestors
from gitslice_core.trees import Item, tree_digest
from gs import config
from gs.cache import Cache
from gs.cli import command
from gs.clicks import click
from gs.context import Context, global_path, slice_path
from gs.errors import GsError
from gs.http import Api, quote
from gs.output import emit, say, wants_json
from gs.progress import Progress
from gs.style import plural, short, size
from gs.transfer import Manifest, manifest
from gs.workdir.checkout import fill
from gs.workdir.files import SYMLINK, Tree, check_paths
from gs.writing import write_whole

if TYPE_CHECKING:
    from typing import IO

    from gs.workdir.index import Row


@command("dir")
@click.argument("directory", required=False)
@click.option(
    "--commit", default="global", show_default=True, metavar="COMMIT", help="Tag, global commit or commit."
)
@click.option("--slice", "name", metavar="SLICE", help="Only this slice (default: the whole tree).")
@click.option(
    "--tar", "archive", metavar="FILE", help="Write a tar archive in place of a directory; - is stdout."
)
def directory(
    ctx: Context, directory: str | None, commit: str, name: str | None, archive: str | None
) -> None:
    """Write the tree of a tag or commit; the same one gives the same bytes, everywhere and always."""
    if (directory is None) == (archive is None):
        raise GsError("usage", "name a directory, or an archive with --tar")
    if archive == "-" and (wants_json() or sys.stdout.isatty()):
        raise GsError("usage", "the archive goes to stdout: pipe it, and leave --json out")
    organization, slice = ctx.parse_slice(name or "root")
    api = ctx.api()
    address = slice_path(organization, slice)
    facts, found = _found(api, organization, slice, commit, whole=name is None)
    rows = found.entries()
    data = facts | {
        "commit": found.commit,
        "files": len(rows),
        "bytes": sum(row.size for row in rows.values()),
    }
    if data["tree"]:
        _check_tree(rows, data)
    _end_on_sigterm()
    if archive is None:
        assert directory is not None
        _export(api, address, found.commit, os.path.abspath(directory), rows)
        emit(data | {"directory": os.path.abspath(directory)}, show)
        return
    with tempfile.TemporaryDirectory(dir=_scratch()) as folder:
        _write(api, address, found.commit, folder, rows)
        _archive(folder, rows, facts["time"], archive)
    if archive != "-":
        emit(data | {"archive": os.path.abspath(archive)}, show)


def _pinned(api: Api, organization: str, slice: str, commit: str) -> tuple[dict, str]:
    """Slice, time, number and (for the whole tree) digest of what the commit names now, and a name for it that does not
    move: more may be merged while we are at it."""
    facts: dict = {"slice": slice, "tree": None, "number": None}
    try:
        merged = api.get(f"{global_path(organization)}commits/{quote(commit)}/")
    except GsError as error:
        if error.code not in ("commit_not_found", "organization_not_found"):
            raise
        landed = api.get(f"{slice_path(*slice.split('/'))}commits/{quote(commit)}/")
        return facts | {"time": landed["time"]}, landed["commit"]
    tree = merged["tree"] if slice == f"{organization}/root" else None
    return facts | {"time": merged["time"], "number": merged["number"], "tree": tree}, merged["commit"]


def _found(api: Api, organization: str, slice: str, commit: str, *, whole: bool) -> tuple[dict, Manifest]:
    """What is known of the commit, and the manifest at it."""
    try:
        facts, pinned = _pinned(api, organization, f"{organization}/{slice}", commit)
        return facts, manifest(api, slice_path(organization, slice), pinned)
    except GsError as error:
        if whole and error.code == "slice_not_found":
            error.hint = "the whole tree is for who may read the root slice; name a part of it with --slice"
        raise


def _check_tree(rows: dict[str, Row], data: dict) -> None:
    """The digest of the tree, recomputed here from what the server sent."""
    tree = tree_digest({path: Item(row.mode, row.digest) for path, row in rows.items()}).hex()
    if tree != data["tree"]:
        raise GsError(
            "failed", f"what the server sent is not the tree of g{data['number']}", "gs global show"
        )


def _export(api: Api, address: str, commit: str | None, root: str, rows: dict[str, Row]) -> None:
    """Fill the directory under another name first: half an export must not look like one."""
    if os.path.lexists(root) and (not os.path.isdir(root) or os.path.islink(root) or os.listdir(root)):
        raise GsError("failed", f"{root} is not an empty directory", "choose another place")
    outer, name = os.path.split(root)
    try:
        os.makedirs(outer, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=outer, prefix=f".{name}.", ignore_cleanup_errors=True) as folder:
            _write(api, address, commit, folder, rows)
            os.rename(folder, root)
    except OSError as error:
        raise GsError("failed", f"{root} cannot be written: {error.strerror or error}") from None


def _write(api: Api, address: str, commit: str | None, root: str, rows: dict[str, Row]) -> None:
    """The files, with their modes whatever the umask."""
    check_paths(root, rows)
    total = sum(row.size for row in rows.values())
    with Progress("Exporting", len(rows), total) as progress:
        if rows:
            assert commit is not None
            fill(api, Cache(), address, commit, Tree(root), rows, progress, everything=True, fresh=True)
    os.chmod(root, 0o755)
    for folder in {folder for path in rows for folder in ancestors(path)}:
        os.chmod(os.path.join(root, folder), 0o755)
    for path, row in rows.items():
        if row.mode != SYMLINK:
            os.chmod(os.path.join(root, path), permissions(row.mode))


def _archive(root: str, rows: dict[str, Row], time: str, target: str) -> None:
    """A POSIX tar of the files in the order of their paths' bytes, all of the commit's time and of nobody. A file is put
    in place whole; pipes and devices are written to."""
    seconds = int(datetime.fromisoformat(time).timestamp())
    if target == "-":
        _tar(root, rows, seconds, sys.stdout.buffer)
        return
    write_whole(target, lambda file: _tar(root, rows, seconds, file))


def _tar(root: str, rows: dict[str, Row], seconds: int, target: IO[bytes]) -> None:
    import tarfile

    with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(rows, key=str.encode):
            row, name = rows[path], os.path.join(root, path)
            if row.mode == SYMLINK:
                archive.addfile(tar_member(path, row.mode, row.size, seconds, os.readlink(name)))
                continue
            member = tar_member(path, row.mode, row.size, seconds)
            with open(name, "rb") as content:
                archive.addfile(member, content)


def _end_on_sigterm() -> None:
    """So that what is unfinished is cleared away, as after Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


def _scratch() -> str:
    """Beside the cache, where there is room for a tree."""
    folder = os.path.join(config.directory(), "export")
    os.makedirs(folder, exist_ok=True)
    return folder


def show(data: dict) -> None:
    at = f"g{data['number']}" if data["number"] else short(data["commit"])
    checked = f", tree {short(data['tree'])} as recomputed" if data["tree"] else ""
    say(f"{data['slice']} at {at}: {plural(data['files'], 'file')}, {size(data['bytes'])}{checked}")
