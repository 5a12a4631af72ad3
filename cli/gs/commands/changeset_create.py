"""`gs changeset create`: a changeset from local edits."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.output import emit, say
from gs.style import next_step, plural, style
from gs.workdir.binding import set_changeset
from gs.workdir.lock import locked
from gs.workdir.oplog import note
from gs.workdir.proposing import (
    chosen_changes,
    edit_bodies,
    forget_key,
    kept_key,
    post_edits,
    title_and_description,
    upload_changes,
)


@command("create")
@click.argument("files", nargs=-1)
@click.option("-m", "--message", required=True, help="Title; further lines are the description.")
@click.option(
    "--base", metavar="COMMIT", help="The commit that the edits were made on (default: this directory's)."
)
@click.option(
    "--reviewer", "reviewers", multiple=True, metavar="USER", help="Ask USER for a review; repeatable."
)
def create(
    ctx: Context, files: tuple[str, ...], message: str, base: str | None, reviewers: tuple[str, ...]
) -> None:
    """Propose local edits (all, or those of the named files) as a changeset."""
    binding = ctx.require_binding()
    with locked(str(binding.root)):
        changes = chosen_changes(binding, files)
        head = {**title_and_description(message), "base": base or binding.base, "reviewers": list(reviewers)}
        edits = edit_bodies(changes)
        upload_changes(ctx, binding, changes)
        key = kept_key(binding, [head, edits])
        data = post_edits(ctx, slice_path(binding.org, binding.slice) + "changesets/", head, edits, key)
        set_changeset(binding, data["changeset"])
        forget_key(binding)
        note(binding, "changeset create", changeset=data["changeset"], files=len(edits))
    emit({**data, "files": [file["path"] for file in data["files"]]}, show)


def show(data: dict) -> None:
    name = style(data["changeset"], "title")
    say(f"{name} {data['title']}: {plural(data['file_count'], 'file')}, {data['state']}")
    if data["conflicts"]:
        next_step(f"gs conflict list --changeset {data['changeset']}")
    else:
        next_step(f"gs changeset merge {data['changeset']}")
