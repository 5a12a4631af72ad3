"""`gs conflict resolve`: conflicts of a changeset with what has landed, one new patchset for all choices."""

from __future__ import annotations

import sys

from gs.cli import command
from gs.clicks import click
from gs.conflictview import by_severity
from gs.context import Context, changeset_path
from gs.errors import GsError
from gs.output import emit, say
from gs.style import clean, next_step, plural, style


@command()
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option("--ours", "choice", flag_value="ours", help="Keep the changeset's version.")
@click.option("--theirs", "choice", flag_value="theirs", help="Take what has landed.")
@click.option("--auto", "choice", flag_value="auto", help="Merge both where that is clean.")
@click.option(
    "--resolved", "choice", flag_value="manual", help="Take the file of this directory, edited by hand."
)
@click.option("--changeset", metavar="ID", help="Whose conflicts (default: this directory's changeset).")
def resolve(ctx: Context, paths: tuple[str, ...], choice: str | None, changeset: str | None) -> None:
    """Resolve conflicts at PATHs (default: all) in a new patchset; without a choice it asks."""
    organization, number = ctx.parse_changeset(changeset)
    address = changeset_path(organization, number)
    review = ctx.api().get(address + "review/")
    conflicts = named(review["conflicts"], paths, review["changeset"])
    if not conflicts:
        none = {
            "changeset": review["changeset"],
            "patchset": review["patchset"],
            "resolved": [],
            "remaining": [],
        }
        emit(none, lambda _: say(f"{review['changeset']} has no conflicts."))
        return
    if choice == "manual":
        resolutions = from_directory(ctx, review, conflicts)
    elif choice:
        resolutions = [{"path": conflict["path"], "choice": choice} for conflict in conflicts]
    else:
        resolutions = ask(ctx, organization, number, conflicts)
    if not resolutions:
        raise GsError("failed", "nothing was chosen, nothing was changed")
    body = {"resolutions": resolutions, "expected_patchset": review["patchset"]}
    emit(ctx.api().post(address + "resolve/", body), show)


def named(conflicts: list[dict], paths: tuple[str, ...], changeset: str) -> list[dict]:
    """The conflicts at `paths`, or all; gravest first. Raises GsError `conflict_not_found`."""
    at = {conflict["path"]: conflict for conflict in conflicts}
    for path in paths:
        if path not in at:
            raise GsError("conflict_not_found", f"{changeset} has no conflict at {path}", "gs conflict list")
    return by_severity([at[path] for path in dict.fromkeys(paths)] if paths else conflicts)


def from_directory(ctx: Context, review: dict, conflicts: list[dict]) -> list[dict]:
    """Resolutions with the files of the working directory; a file that is gone there is deleted."""
    from gs.manual import upload_file

    binding = ctx.require_binding()
    if review["slice"] != f"{binding.org}/{binding.slice}":
        raise GsError("other_slice", f"{review['changeset']} is of {review['slice']}, this directory is not")
    return [
        upload_file(ctx.api(), binding.org, conflict["path"], binding.root / conflict["path"])
        for conflict in conflicts
    ]


def ask(ctx: Context, organization: str, number: int, conflicts: list[dict]) -> list[dict]:
    """Resolutions as answered on the terminal. Raises GsError `usage` where nobody can be asked."""
    if ctx.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        choices = "--ours, --theirs, --auto or --resolved"
        raise GsError("usage", "nobody can be asked here", f"choose {choices}")
    from gs.dialogue import ask_all

    return ask_all(ctx, organization, number, conflicts)


def show(data: dict) -> None:
    for item in data["resolved"]:
        say(f"  {style(item['choice'].ljust(6), 'green')}  {clean(item['path'])}")
    resolved = plural(len(data["resolved"]), "conflict")
    say(f"Resolved {resolved}: {style(data['changeset'], 'bold')} is at patchset {data['patchset']}.")
    if data.get("remaining"):
        say(f"{plural(len(data['remaining']), 'conflict')} left.")
        next_step(f"gs conflict resolve --changeset {data['changeset']}")
    else:
        next_step(f"gs changeset merge {data['changeset']}")
