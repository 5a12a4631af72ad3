"""`gs changeset update`: a new patchset from local edits."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, changeset_path
from gs.errors import GsError
from gs.output import emit, say
from gs.style import plural, style
from gs.workdir.lock import locked
from gs.workdir.oplog import note
from gs.workdir.proposing import chosen_changes, edit_bodies, forget_key, kept_key, post_edits, upload_changes


@command("update")
@click.argument("changeset", required=False)
@click.option("-m", "--message", default="", help="What is new in this patchset.")
def update(ctx: Context, changeset: str | None, message: str) -> None:
    """Give a changeset (default: this directory's) a new patchset with the local edits."""
    binding = ctx.require_binding()
    organization, number = ctx.parse_changeset(changeset)
    with locked(str(binding.root)):
        address = changeset_path(organization, number)
        _check_slice(ctx, binding.name, address)
        changes = chosen_changes(binding, ())
        head = {"base": binding.base, "message": message}
        edits = edit_bodies(changes)
        upload_changes(ctx, binding, changes)
        key = kept_key(binding, [address, head, edits])
        data = post_edits(ctx, address + "patchsets/", head, edits, key)
        forget_key(binding)
        binding.update(changeset=data["changeset"])
        note(binding, "changeset update", changeset=data["changeset"], patchset=data["patchset"])
    emit({**data, "files": [file["path"] for file in data["files"]]}, show)


def _check_slice(ctx: Context, name: str, address: str) -> None:
    detail = ctx.api().get(address)
    if detail["slice"] != name:
        raise GsError(
            "other_slice",
            f"{detail['changeset']} belongs to {detail['slice']}, this directory to {name}",
            "go to a directory of that slice",
        )


def show(data: dict) -> None:
    name = style(data["changeset"], "title")
    say(f"{name} is at patchset {data['patchset']}: {plural(data['file_count'], 'file')}")
