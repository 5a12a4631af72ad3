"""`gs status`: what this directory is, and what was changed in it. Works offline; imports next to nothing."""

from __future__ import annotations

from gs.errors import GsError
from gs.output import emit, say
from gs.workdir import index as indexes
from gs.workdir.scan import Change, renamed, scan

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    import click

    from gs.context import Context
    from gs.workdir.binding import Binding

SIGNS = {"add": "+", "modify": "~", "delete": "-", "rename": ">", "chmod": "x"}


def run(ctx: Context, detailed: bool = False, conflicts_only: bool = False, uncommitted: bool = False) -> int:
    """Gather and show. `detailed` asks the server where the head is."""
    from os import getcwd

    from gs.workdir.binding import find

    binding = find(ctx.start or getcwd())
    if binding is None:
        raise GsError(
            "not_a_working_directory",
            "this is not a working directory of a slice",
            "gs init ORG/SLICE DIR makes one",
        )
    if detailed:
        _ask_server(ctx, binding)
    data = {
        "slice": binding.name,
        "directory": str(binding.root),
        "head": binding.head,
        "base": binding.base,
        "behind": binding.behind,
        "ahead": 0,
        "changeset": binding.changeset,
        "changes": [] if conflicts_only else list(map(_body, local_changes(binding))),
        "conflicts": _conflicts(binding),
        "unfinished": binding.target,
    }
    data["ahead"] = 1 if data["changes"] else 0
    emit(data, _show_changes if uncommitted else _show)
    return 0


def declare() -> click.Command:
    """The command for click; the fast lane of gs.main does without."""
    from gs.cli import command
    from gs.clicks import click

    @command("status")
    @click.option(
        "--detailed", is_flag=True, help="Ask the server where the head is, and what the changeset lacks."
    )
    @click.option("--conflicts", is_flag=True, help="Only conflicts.")
    @click.option("--uncommitted", is_flag=True, help="Only changed files.")
    def status(ctx: Context, detailed: bool, conflicts: bool, uncommitted: bool) -> int:
        """What was changed in this directory."""
        return run(ctx, detailed, conflicts, uncommitted)

    return status


def local_changes(binding: Binding) -> list[Change]:
    """What differs from the base, a moved file told as a rename. What the scan learned about stats is kept."""
    index = indexes.load(binding.own("index"))
    changes = scan(str(binding.root), index)
    if binding.pattern:
        from gs.workdir.selection import matcher

        covers = matcher(binding.pattern)
        changes = [change for change in changes if change.op != "add" or covers(change.path)]
    if index.refreshed:
        index.save(binding.own("index"))
    return renamed(changes) if changes else changes


def _body(change: Change) -> dict:
    body = {"path": change.path, "op": change.op}
    if change.renamed_from:
        body["renamed_from"] = change.renamed_from
    return body


def _conflicts(binding: Binding) -> list[str]:
    from os.path import exists

    if not exists(binding.own("conflicts")):
        return []
    from gs.workdir.conflicts import unsettled

    return unsettled(binding)


def _ask_server(ctx: Context, binding: Binding) -> None:
    from gs.context import slice_path

    api = ctx.api()
    address = slice_path(binding.org, binding.slice)
    head = api.get(address)["head"]
    behind = 0
    if head != binding.base:
        commits = [item["commit"] for item in api.get(f"{address}commits/", limit=500)["items"]]
        behind = commits.index(binding.base) if binding.base in commits else len(commits)
    binding.update(head=head, behind=behind or None)


def _show(data: dict) -> None:
    from gs.style import plural, short, style

    say(f"{style(data['slice'], 'title')} at {short(data['base']) if data['base'] else 'the beginning'}")
    if data["behind"]:
        say(
            f"  {plural(data['behind'], 'commit')} behind the head {short(data['head'])}; gs pull brings them"
        )
    if data["changeset"]:
        say(f"  changeset {data['changeset']}")
    if data["unfinished"]:
        say(
            style(
                f"  a checkout of {short(data['unfinished'])} was broken off; gs pull completes it", "yellow"
            )
        )
    if not data["changes"] and not data["conflicts"]:
        say("  nothing changed")
    _show_changes(data)
    for path in data["conflicts"]:
        say(style(f"  ! {path}  in conflict", "alarm"))
    if data["conflicts"]:
        say("  edit these files, then: gs conflict resolve --resolved PATH")


def _show_changes(data: dict) -> None:
    from gs.style import style

    colours = {"add": "green", "delete": "red", "modify": "yellow", "rename": "cyan", "chmod": "cyan"}
    for change in data["changes"]:
        came = f"  from {change['renamed_from']}" if "renamed_from" in change else ""
        say(f"  {style(SIGNS[change['op']], colours[change['op']])} {change['path']}{came}")
