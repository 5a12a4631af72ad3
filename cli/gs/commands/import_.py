"""`gs import dir`: bring a folder of files into the tree."""

from __future__ import annotations

import os
import time

from gitslice_core.paths import PathError, validate_path
from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.http import Api
from gs.output import emit, say, warn
from gs.progress import Progress
from gs.style import next_step, plural, short, size
from gs.transfer import manifest, upload
from gs.workdir.folder import folder_rows
from gs.workdir.index import Row
from gs.workdir.proposing import post_lines

BATCH = 100_000  # edits that one commit holds at most


@command("dir")
@click.argument("folder", type=click.Path(exists=True, file_okay=False))
@click.option("--at", "place", default="", metavar="FOLDER", help="Where in the tree (default: its top).")
@click.option("--slice", "name", metavar="SLICE", help="Through which slice to land (default: root).")
@click.option("-m", "--message", help="Message of the commit.")
@click.option("--delete", is_flag=True, help="Also delete what stands there and the folder lacks.")
def directory(
    ctx: Context, folder: str, place: str, name: str | None, message: str | None, delete: bool
) -> None:
    """Land the files of a folder. A second import lands only what differs."""
    started = time.monotonic()
    organization, slice = ctx.parse_slice(name or "root")
    api = ctx.api()
    address = slice_path(organization, slice)
    place = place.strip("/")
    files = _placed(folder, place)
    standing = manifest(api, address)
    edits = _edits(files, standing.rows, place, delete)
    if edits:
        _upload(api, organization, files, edits)
    landed = _land(
        api, address, standing.commit, message or f"Import {os.path.basename(os.path.abspath(folder))}", edits
    )
    total = sum(row.size for _, row in files.values())
    emit(
        {
            "slice": f"{organization}/{slice}",
            "commits": [commit["commit"] for commit in landed],
            "changed": len(edits),
            "files": len(files),
            "bytes": total,
            "seconds": round(time.monotonic() - started, 3),
        },
        show,
    )


def _placed(folder: str, place: str) -> dict[str, tuple[str, Row]]:
    """Path in the tree -> file on disk and its row. Raises GsError `invalid_path` for a name the tree cannot hold."""
    rows, skipped = folder_rows(folder)
    for name in skipped:
        warn(f"{name} is neither a file nor a symlink, and is left out")
    placed = {}
    for name, row in rows.items():
        path = f"{place}/{name}" if place else name
        try:
            validate_path(path)
        except PathError as error:
            raise GsError("invalid_path", f"{path!r} {error}", "rename it, then try again") from None
        placed[path] = (os.path.join(folder, name), row)
    return placed


def _edits(files: dict[str, tuple[str, Row]], standing: dict, place: str, delete: bool) -> list[dict]:
    edits = []
    for path, (_, row) in files.items():
        old = standing.get(path)
        if old is None or not old.same_entry(row):
            op = "add" if old is None else "modify"
            edits.append({"op": op, "path": path, "mode": row.mode, "digest": row.digest.hex()})
    if delete:
        inside = place + "/" if place else ""
        gone = (path for path in standing if path.startswith(inside) and path not in files)
        edits += [{"op": "delete", "path": path} for path in gone]
    return sorted(edits, key=lambda edit: edit["path"])


def _upload(api: Api, organization: str, files: dict[str, tuple[str, Row]], edits: list[dict]) -> None:
    chosen = [files[edit["path"]] for edit in edits if edit["op"] != "delete"]
    with Progress("Uploading", len(chosen), sum(row.size for _, row in chosen)) as progress:
        upload(api, organization, chosen, progress=progress)


def _land(api: Api, address: str, base: str | None, message: str, edits: list[dict]) -> list[dict]:
    landed: list[dict] = []
    batches = [edits[start : start + BATCH] for start in range(0, len(edits), BATCH)]
    for number, batch in enumerate(batches, 1):
        title = message if len(batches) == 1 else f"{message} ({number} of {len(batches)})"
        head = {"title": title, "base": landed[-1]["commit"] if landed else base, "merge": True}
        landed.append(post_lines(api, f"{address}changesets/", head, batch))
    return landed


def show(data: dict) -> None:
    if not data["commits"]:
        say(f"Nothing differs: {plural(data['files'], 'file')} stand in {data['slice']} already.")
        return
    commit = short(data["commits"][-1])
    say(
        f"{plural(data['changed'], 'change')} of {size(data['bytes'])} landed as {commit} in {data['seconds']} s"
    )
    next_step("gs slice create NAME --files 'folder/**'")
