"""`gs submit`: propose and land in one step."""

from __future__ import annotations

from gs.context import Context, changeset_number, changeset_path, slice_path
from gs.errors import GsError
from gs.output import emit, say
from gs.style import plural, short, style
from gs.workdir.binding import Binding
from gs.workdir.landed import move_base
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
from gs.workdir.scan import Change

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from click import Command


def declare() -> Command:
    from gs.cli import command
    from gs.clicks import click

    @command()
    @click.option("-m", "--message", help="Title; further lines are the description.")
    def submit(ctx: Context, message: str | None) -> None:
        """Land local edits at once: as a new changeset, or as a new patchset of this directory's."""
        run(ctx, message)

    return submit


def run(ctx: Context, message: str | None = None) -> None:
    binding = ctx.require_binding()
    with locked(str(binding.root)):
        changes = chosen_changes(binding, ())
        edits = edit_bodies(changes)
        upload_changes(ctx, binding, changes)
        landed = (
            _update(ctx, binding, message, edits)
            if binding.changeset
            else _create(ctx, binding, message, edits)
        )
        _settle(binding, changes, landed)
        forget_key(binding)
        note(binding, "submit", changeset=landed["changeset"], commit=landed["commit"], files=len(edits))
    if landed["merged_paths"] or landed["parent"] != landed.pop("our_base"):
        from gs.commands.pull import pull  # most landings need none

        landed["workdir"] = pull(ctx, binding)
    emit(landed, show)


def _create(ctx: Context, binding: Binding, message: str | None, edits: list[dict]) -> dict:
    if not message:
        raise GsError("usage", "a changeset needs a message", "gs submit -m 'what and why'")
    head = {**title_and_description(message), "base": binding.base, "merge": True}
    key = kept_key(binding, [head, edits])
    address = slice_path(binding.org, binding.slice) + "changesets/"
    try:
        return post_edits(ctx, address, head, edits, key) | {"our_base": binding.base}
    except GsError as error:
        if error.code in ("merge_conflict", "outdated_base", "needs_approval"):
            forget_key(binding)
            if changeset := error.details.get("changeset"):
                binding.update(changeset=changeset)
        raise


def _update(ctx: Context, binding: Binding, message: str | None, edits: list[dict]) -> dict:
    address = changeset_path(binding.org, changeset_number(binding.changeset or ""))
    head = {"base": binding.base, "message": message or ""}
    post_edits(ctx, address + "patchsets/", head, edits, kept_key(binding, [address, head, edits]))
    return ctx.api().post(address + "merge/", {}) | {"our_base": binding.base}


def _settle(binding: Binding, changes: list[Change], landed: dict) -> None:
    """What was landed is the base now, if nothing else landed in between and nothing was merged."""
    if landed["merged_paths"] or landed["parent"] != binding.base:
        binding.update(changeset=None, head=landed["commit"])
        return
    rows = {change.renamed_from: None for change in changes if change.renamed_from}
    move_base(binding, landed["commit"], {**rows, **{change.path: change.new for change in changes}})
    binding.update(changeset=None)


def show(data: dict) -> None:
    name, commit = style(data["changeset"], "title"), short(data["commit"])
    say(f"{name} has landed as {commit}: {plural(data['files'], 'file')}")
    for path in data["merged_paths"]:
        say(f"  merged with what had landed meanwhile: {path}")
    if data.get("workdir"):
        say(f"  directory updated: {plural(len(data['workdir']['updated']), 'file')}")
