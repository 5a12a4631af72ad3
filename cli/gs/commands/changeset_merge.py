"""`gs changeset merge`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gs.cli import command
from gs.clicks import click
from gs.conflictview import print_conflicts
from gs.context import Context, advice, changeset_path, slice_path
from gs.errors import GsError
from gs.output import emit, info, say
from gs.style import clean, next_step, plural, short, style

if TYPE_CHECKING:
    from gs.http import Api
    from gs.workdir.binding import Binding

WAITABLE = {"needs_approval", "slice_locked", "server_busy"}
POLL = 2  # seconds between two tries with --wait


@command()
@click.argument("changeset", metavar="[ID]", required=False)
@click.option(
    "-m", "--message", metavar="TEXT", help="Message of the commit (default: title and description)."
)
@click.option("--update-workdir", is_flag=True, help="Bring this directory to the slice's head afterwards.")
@click.option("--force", is_flag=True, help="Pass missing approvals and policies (maintainers; audited).")
@click.option("--wait", is_flag=True, help="Wait while approvals are missing or the slice is locked.")
@click.option("--patchset", type=click.IntRange(min=1), help="Only if this is still the newest patchset.")
def merge(
    ctx: Context,
    changeset: str | None,
    message: str | None,
    update_workdir: bool,
    force: bool,
    wait: bool,
    patchset: int | None,
) -> int:
    """Land a changeset: it becomes a commit of its slice (default: the one of this directory)."""
    organization, number = ctx.parse_changeset(changeset)
    binding = ctx.require_binding() if update_workdir else ctx.binding()
    body = {"message": message, "force": force, "expected_patchset": patchset}
    landed = land(ctx, changeset_path(organization, number) + "merge/", body, wait=wait)
    landed.setdefault("conflicts", [])
    settled = False
    if binding and (binding.org, binding.changeset) == (organization, landed["changeset"]):
        settled = settle(ctx.api(), binding, landed)
        forget_changeset(binding, landed["changeset"])
    if update_workdir and binding:
        from gs.commands.pull import pull

        landed["workdir"] = pull(ctx, binding)
    emit(landed, lambda data: show(data, settled))
    return 32 if landed.get("workdir", {}).get("conflicts") else 0


def land(ctx: Context, path: str, body: dict, *, wait: bool) -> dict:
    """POST the merge; with `wait` again and again while only time is missing. Shows conflicts before raising."""
    told = False
    while True:
        try:
            return ctx.api().post(path, body)
        except GsError as error:
            if error.code == "merge_conflict":
                show_conflicts(ctx, error)
            if not wait or error.code not in WAITABLE:
                raise
            if not told:
                info(f"Waiting: {clean(error.message)} (Ctrl-C stops waiting)")
                told = True
        time.sleep(POLL)


def show_conflicts(ctx: Context, error: GsError) -> None:
    """The table of conflicts on stdout, unless the error document will carry them; and the command that resolves."""
    conflicts = error.details.get("conflicts", [])
    if not ctx.json:
        print_conflicts(conflicts)
    if conflicts:
        error.hint = advice(f"gs conflict resolve --changeset {conflicts[0]['changeset']}")


def settle(api: Api, binding: Binding, landed: dict) -> bool:
    """Make what landed the base of its directory, so that it is no local edit any more; False, and nothing is done,
    where others landed in between or something was merged: then `gs pull` brings both together."""
    if landed["merged_paths"] or landed["parent"] != binding.base:
        return False
    from gs.transfer import manifest
    from gs.workdir.landed import move_base
    from gs.workdir.lock import locked
    from gs.workdir.selection import selected

    with locked(str(binding.root)):
        address = slice_path(binding.org, binding.slice)
        found = manifest(api, address, landed["commit"], since=binding.base, definition=binding.definition)
        if found.since != binding.base:
            return False  # the definition is another one: the rows are not what the commit changed
        move_base(binding, landed["commit"], selected(found.rows, binding.pattern))
    return True


def forget_changeset(binding: Binding, changeset: str) -> None:
    """A landed changeset is no longer the current one of its directory."""
    if binding.changeset == changeset:
        from gs.workdir.binding import set_changeset

        set_changeset(binding, None)


def show(data: dict, settled: bool) -> None:
    say(f"{style(data['changeset'], 'bold')} landed as {style(short(data['commit']), 'cyan')}.")
    for path in data["merged_paths"]:
        say(f"  merged with what had landed: {clean(path)}")
    workdir = data.get("workdir")
    if workdir is None:
        if not settled:
            next_step("gs pull")
        return
    say(f"Directory updated: {plural(len(workdir['updated']), 'file')}.")
    for path in workdir["conflicts"]:
        say(style(f"  conflict {path}", "alarm"))
    if workdir["conflicts"]:
        next_step("edit these files, then: gs conflict resolve --resolved")
