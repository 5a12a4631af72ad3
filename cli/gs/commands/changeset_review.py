"""`gs changeset review`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.conflictview import print_conflicts
from gs.context import Context, changeset_path
from gs.diffview import counts, print_diff, print_stat
from gs.output import emit, say
from gs.style import clean, fields, join, next_step, plural, short, state, style

NEXT = {
    "ready_for_merge": "gs changeset merge {}",
    "needs_rebase": "gs changeset rebase {}",
    "has_conflicts": "gs conflict resolve --changeset {}",
    "needs_approval": "gs changeset approve {}  (another person's word)",
    "needs_checks": "gs changeset review {} --summary  (once the checks have run)",
}


@command()
@click.argument("changeset", metavar="[ID]", required=False)
@click.option("--diff", "with_diff", is_flag=True, help="The whole diff.")
@click.option("--file-level", is_flag=True, help="A line a file (what is shown by default).")
@click.option("--summary", is_flag=True, help="Only readiness and numbers.")
@click.option(
    "--external-diff", is_flag=True, help="Open old and new files in the diff tool (setting difftool)."
)
@click.option("--patchset", type=click.IntRange(min=1), help="Look at an earlier patchset.")
def review(
    ctx: Context,
    changeset: str | None,
    with_diff: bool,
    file_level: bool,
    summary: bool,
    external_diff: bool,
    patchset: int | None,
) -> None:
    """Diff, numbers, and what stands between a changeset and landing (default: of this directory)."""
    api = ctx.api()
    path = changeset_path(*ctx.parse_changeset(changeset))
    data = api.get(path + "review/")
    if not summary:
        stat = not (with_diff or external_diff)
        data["files"] = api.get(path + "diff/", patchset=patchset, stat=stat)["files"]
    emit(data, lambda _: show(data, with_diff=with_diff))
    if external_diff and not ctx.json and not summary:
        from gs.difftool import show_files

        show_files(api, data["slice"], data["base"], data["files"])


def show(data: dict, *, with_diff: bool) -> None:
    approvals, stats = data["approvals"], data["stats"]
    say(f"{style(data['changeset'], 'title')}  {style(data.get('title', ''), 'bold')}")
    fields(
        [
            ("state", state(data["state"])),
            ("readiness", state(data["readiness"])),
            ("patchset", data.get("patchset")),
            ("base", short(data["base"])),
            ("head", short(data["head"])),
            (
                "changes",
                join(plural(stats["files"], "file"), ", ", counts(stats["additions"], stats["deletions"])),
            ),
            (
                "approvals",
                f"{approvals['given']} of {approvals['required']}" if approvals["required"] else None,
            ),
        ]
    )
    for requirement in data.get("requirements", []):
        mark = style("done", "green") if requirement["met"] else style("missing", "red")
        remedy = (
            "" if requirement["met"] or not requirement["remedy"] else f": {clean(requirement['remedy'])}"
        )
        say(f"  {mark}  {clean(requirement['title'])}{remedy}")
    for check in data.get("checks", []):
        say(f"  check {clean(check['name'])}: {state(check['state'])} {clean(check['summary'])}".rstrip())
    turns = [f"{turn['user']} ({turn['reason'].replace('_', ' ')})" for turn in data.get("attention", [])]
    if turns:
        say(f"turn of {clean(', '.join(turns))}")
    for warning in data["warnings"]:
        say(f"{style('note:', 'yellow')} {clean(warning)}")
    if data["conflicts"]:
        say()
        print_conflicts(data["conflicts"])
    if data.get("files"):
        say()
        (print_diff if with_diff else print_stat)(data["files"])
    if data["readiness"] in NEXT:
        next_step(NEXT[data["readiness"]].format(data["changeset"]))
