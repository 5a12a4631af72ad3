"""`gs export archive`: a slice, or a folder of it, as the tar or zip that the server makes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from gs.cli import command
from gs.clicks import click
from gs.commands.show import CHUNK
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.http import encode_query
from gs.output import emit, say, wants_json
from gs.style import short, size
from gs.writing import write_whole

if TYPE_CHECKING:
    from typing import IO

FORMATS = {".tar.gz": "tar.gz", ".tgz": "tar.gz", ".zip": "zip"}


@command("archive")
@click.argument("target", metavar="FILE")
@click.option("--slice", "slice_name", metavar="SLICE", help="The slice (default: this directory's).")
@click.option("--commit", metavar="COMMIT", help="Tag, global commit or commit (default: the slice's head).")
@click.option("--path", metavar="PATH", help="Only this folder or file.")
@click.option(
    "--format",
    "wanted",
    type=click.Choice(["tar.gz", "zip"]),
    help="Which kind (default: as FILE is named, else tar.gz).",
)
def archive(
    ctx: Context,
    target: str,
    slice_name: str | None,
    commit: str | None,
    path: str | None,
    wanted: str | None,
) -> None:
    """Download a slice as one file (.tar.gz or .zip); - is stdout. Needs no room for the files themselves."""
    if target == "-" and (wants_json() or sys.stdout.isatty()):
        raise GsError("usage", "the archive goes to stdout: pipe it, and leave --json out")
    organization, name = ctx.slice_or_current(slice_name)
    kind = wanted or next((FORMATS[end] for end in FORMATS if target.endswith(end)), "tar.gz")
    query = encode_query({"commit": commit, "path": path, "format": kind})
    address = f"{slice_path(organization, name)}archive/{query}"
    data: dict = {"slice": f"{organization}/{name}", "format": kind, "bytes": 0}
    with ctx.api().stream("GET", address) as response:
        data["commit"] = response.headers["X-GitSlice-Commit"]

        def copy(file: IO[bytes]) -> None:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                data["bytes"] += len(chunk)

        if target == "-":
            copy(sys.stdout.buffer)
            return
        write_whole(target, copy)
    data["archive"] = os.path.abspath(target)
    emit(data, show)


def show(data: dict) -> None:
    say(f"{data['slice']} at {short(data['commit'])}: {size(data['bytes'])} in {data['archive']}")
