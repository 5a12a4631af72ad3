"""`gs conflict resolve`: conflicts of a changeset with what has landed, one new patchset for all choices."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gs.cli import command
from gs.clicks import click
from gs.conflictview import by_severity
from gs.context import Context, changeset_path
from gs.errors import GsError
from gs.output import emit, say
from gs.style import clean, next_step, plural, style

if TYPE_CHECKING:
    from gs.following import Choice


@command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--ours", is_flag=True, help="Keep the changeset's version.")
@click.option("--theirs", is_flag=True, help="Take what has landed.")
@click.option("--auto", is_flag=True, help="Merge both where that is clean.")
@click.option(
    "--force",
    is_flag=True,
    help="Keep ours, and delete what stands in its way; for maintainers.",
)
@click.option("--resolved", "manual", is_flag=True, help="Take the file of this directory, edited by hand.")
@click.option("--changeset", metavar="ID", help="Whose conflicts (default: this directory's changeset).")
def resolve(ctx: Context, paths: tuple[str, ...], changeset: str | None, **chosen: bool) -> None:
    """Resolve conflicts at PATHs (default: all) in a new patchset; without a choice it asks.

    Conflicts of a pull are resolved by editing the files, and then --resolved.
    """
    choice = one_choice(chosen)
    local = recorded_here(ctx)
    if local and not changeset and not ctx.require_binding().changeset:
        resolve_pull(ctx, local, paths, choice)
        return
    organization, number = ctx.parse_changeset(changeset)
    address = changeset_path(organization, number)
    review = ctx.api().get(address + "review/")
    known = local if choice == "manual" else []
    conflicts = named(ctx, organization, review, paths, known)
    data = {"changeset": review["changeset"], "patchset": review["patchset"], "resolved": [], "remaining": []}
    if conflicts:
        choices = choose(ctx, organization, number, review, conflicts, choice)
        body = {"resolutions": [c.resolution for c in choices], "expected_patchset": review["patchset"]}
        data = ctx.api().post(address + "resolve/", body)
        data["followed"] = follow_here(ctx, review, conflicts, choices)
    if choice == "manual" and local:
        settle_here(ctx, local, paths)
    emit(data, show)


def one_choice(chosen: dict[str, bool]) -> str | None:
    """The choice whose flag is given, if one is. Raises GsError `usage` for more."""
    names = [name for name, given in chosen.items() if given]
    if len(names) > 1:
        raise GsError("usage", "choose one of --ours, --theirs, --auto, --force and --resolved")
    return names[0] if names else None


def recorded_here(ctx: Context) -> list[str]:
    """Paths that a pull left in conflict in the directory around here."""
    binding = ctx.binding()
    if binding is None:
        return []
    from gs.workdir.conflicts import recorded

    return recorded(binding)


def resolve_pull(ctx: Context, local: list[str], paths: tuple[str, ...], choice: str | None) -> None:
    """Only the directory has conflicts: the person says that the files are right now."""
    if choice != "manual":
        raise GsError(
            "usage",
            f"{local[0]} is in conflict since a pull",
            "edit it, then: gs conflict resolve --resolved",
        )
    strange = [path for path in paths if ctx.tree_path(path) not in local]
    if strange:
        raise GsError("conflict_not_found", f"{strange[0]} is not in conflict here", "gs status")
    settled = settle_here(ctx, local, paths)
    resolved = [{"path": path, "choice": "manual"} for path in settled]
    remaining = [path for path in local if path not in settled]
    emit({"changeset": None, "patchset": None, "resolved": resolved, "remaining": remaining}, show_settled)


def settle_here(ctx: Context, local: list[str], paths: tuple[str, ...]) -> list[str]:
    """Mark the directory's conflicts at `paths` (default: all) as settled. Raises GsError `unresolvable` over markers."""
    from gs.manual import refuse_markers
    from gs.workdir.conflicts import settle
    from gs.workdir.lock import locked

    binding = ctx.require_binding()
    wanted = [path for path in local if not paths or path in map(ctx.tree_path, paths)]
    for path in wanted:
        refuse_markers(path, binding.path(path))
    with locked(str(binding.root)):
        return settle(binding, wanted)


def named(
    ctx: Context, organization: str, review: dict, paths: tuple[str, ...], known: list[str]
) -> list[dict]:
    """The changeset's conflicts at `paths`, or all; gravest first. Those with what has landed come first; with other open
    changesets where there are none of these. Paths of `known` need not have one.

    Raises GsError `conflict_not_found`.
    """
    landed = {conflict["path"]: conflict for conflict in review["conflicts"]}
    if not paths and landed:
        return by_severity(review["conflicts"])
    opened = {conflict["path"]: conflict for conflict in reversed(with_open(ctx, organization, review))}
    if not paths:
        return by_severity([conflict for conflict in opened.values() if conflict["severity"] != "low"])
    at = {**opened, **landed}
    found = []
    for text in dict.fromkeys(paths):
        path = text if text in at else ctx.tree_path(text)
        if path in at:
            found.append(at[path])
        elif path not in known:
            raise GsError(
                "conflict_not_found", f"{review['changeset']} has no conflict at {path}", "gs conflict list"
            )
    return by_severity(found)


def with_open(ctx: Context, organization: str, review: dict) -> list[dict]:
    """The changeset's conflicts with other open changesets."""
    from gs.http import quote

    query = {"changeset": review["changeset"], "with": "open", "limit": 200}
    return by_severity(ctx.api().get(f"conflicts/{quote(organization)}/", **query)["items"])


def choose(
    ctx: Context, organization: str, number: int, review: dict, conflicts: list[dict], choice: str | None
) -> list[Choice]:
    """What is to become of each conflict; when asked, of those that were not skipped."""
    from gs.following import Choice

    if choice == "manual":
        return from_directory(ctx, review, conflicts)
    if choice:
        return [Choice({"path": conflict["path"], "choice": choice}) for conflict in conflicts]
    choices = ask(ctx, organization, number, conflicts)
    if not choices:
        raise GsError("failed", "nothing was chosen, nothing was changed")
    return choices


def from_directory(ctx: Context, review: dict, conflicts: list[dict]) -> list[Choice]:
    """The files of the working directory; one that is gone there is deleted.

    Raises GsError `unresolvable` for a file that nobody has edited: taking it would drop what others landed.
    """
    from gs.following import Choice, is_ours
    from gs.manual import upload_file

    binding = ctx.require_binding()
    if review["slice"] != f"{binding.org}/{binding.slice}":
        raise GsError("other_slice", f"{review['changeset']} is of {review['slice']}, this directory is not")
    for conflict in conflicts:
        if is_ours(binding, conflict):
            message = f"{conflict['path']} is as {review['changeset']} has it; nobody has merged it"
            raise GsError(
                "unresolvable", message, "edit it, or choose --ours; gs changeset rebase --markers helps"
            )
    paths = [conflict["path"] for conflict in conflicts]
    return [Choice(upload_file(ctx.api(), binding.org, path, binding.path(path))) for path in paths]


def follow_here(ctx: Context, review: dict, conflicts: list[dict], choices: list[Choice]) -> list[str]:
    """Let the directory of the changeset follow, if we are in it; the paths that were written."""
    binding = ctx.binding()
    if binding is None or (binding.name, binding.changeset) != (review["slice"], review["changeset"]):
        return []
    from gs.following import follow

    return follow(ctx.api(), binding, conflicts, choices)


def ask(ctx: Context, organization: str, number: int, conflicts: list[dict]) -> list[Choice]:
    """What is answered on the terminal. Raises GsError `usage` where nobody can be asked."""
    if ctx.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        choices = "--ours, --theirs, --auto or --resolved"
        raise GsError("usage", "nobody can be asked here", f"choose {choices}")
    from gs.dialogue import ask_all

    return ask_all(ctx, organization, number, conflicts)


def show(data: dict) -> None:
    if not data["resolved"]:
        say(f"{data['changeset']} has no conflicts.")
        return
    for item in data["resolved"]:
        say(f"  {style(item['choice'].ljust(6), 'green')}  {clean(item['path'])}")
    resolved = plural(len(data["resolved"]), "conflict")
    say(f"Resolved {resolved}: {style(data['changeset'], 'bold')} is at patchset {data['patchset']}.")
    if data.get("remaining"):
        say(f"{plural(len(data['remaining']), 'conflict')} left.")
        next_step(f"gs conflict resolve --changeset {data['changeset']}")
    elif data.get("files") == 0:
        say(f"{data['changeset']} changes nothing any more.")
        next_step(f"gs changeset abandon {data['changeset']}")
    else:
        next_step(f"gs changeset merge {data['changeset']}")


def show_settled(data: dict) -> None:
    for item in data["resolved"]:
        say(f"  {style('settled', 'green')}  {clean(item['path'])}")
    if data["remaining"]:
        say(f"{plural(len(data['remaining']), 'conflict')} left.")
    else:
        next_step("gs changeset create -m MESSAGE")
