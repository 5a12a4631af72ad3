"""`gs log`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context, slice_path
from gs.moments import parse_moment
from gs.output import emit, say
from gs.style import Styled, ago, clean, more, plural, short, style


@command()
@click.argument("slice_name", metavar="[SLICE]", required=False)
@click.option(
    "--since", metavar="TIME", help="Only commits since then: 2026-11-01, or 3d, 2w, '5 hours ago'."
)
@click.option("--until", metavar="TIME", help="Only commits until then.")
@click.option("--author", metavar="USER", help="Only commits by this user.")
@click.option("--grep", metavar="TEXT", help="Only commits whose message has this text.")
@click.option("--path", metavar="PATH", help="Only commits that touch this file or folder.")
@click.option("--detailed", is_flag=True, help="Whole messages, changesets and merged paths.")
@click.option("--graph", is_flag=True, help="Draw which slice each commit came from.")
@paging
def log(
    ctx: Context,
    slice_name: str | None,
    since: str | None,
    until: str | None,
    author: str | None,
    grep: str | None,
    path: str | None,
    detailed: bool,
    graph: bool,
    limit: int,
    cursor: str | None,
) -> None:
    """History of a slice, newest first: its own commits, and those that landed through overlapping slices."""
    organization, name = ctx.slice_or_current(slice_name)
    data = ctx.api().get(
        slice_path(organization, name) + "commits/",
        since=parse_moment(since),
        until=parse_moment(until),
        author=author,
        grep=grep,
        path=path,
        limit=limit,
        cursor=cursor,
    )
    emit(data, lambda _: show(data, f"{organization}/{name}", detailed=detailed, graph=graph))


def show(data: dict, own: str, *, detailed: bool, graph: bool) -> None:
    lanes = Lanes(own) if graph else None
    for commit in data["items"]:
        mark, margin = lanes.draw(commit["slice"]) if lanes else ("", "")
        lines = full(commit, own) if detailed else [one_line(commit, own)]
        for index, line in enumerate(lines):
            say((mark if index == 0 else margin) + line)
    if not data["items"]:
        say(style("No commits.", "dim"))
    more(data)


def one_line(commit: dict, own: str) -> str:
    title = clean(commit["message"].split("\n", 1)[0])
    through = f" via {commit['slice']}" if commit["slice"] not in (own, None) else ""
    rest = f"({commit['author']}, {ago(commit['time'])}, {plural(commit['files'], 'file')}{through})"
    return f"{style(short(commit['commit']), 'yellow')} {title} {style(rest, 'dim')}"


def full(commit: dict, own: str) -> list[str]:
    lines: list[str] = [style(f"commit {commit['commit']}", "yellow")]
    facts = [
        ("author", commit["author"]),
        ("time", f"{commit['time']} ({ago(commit['time'])})"),
        ("slice", commit["slice"] if commit["slice"] != own else None),
        ("changeset", commit.get("changeset")),
        ("files", commit["files"]),
        ("merged", ", ".join(commit.get("merged_paths") or []) or None),
    ]
    lines += [f"{style(name.ljust(10), 'dim')} {clean(value)}" for name, value in facts if value is not None]
    lines += ["", *("    " + clean(line) for line in commit["message"].splitlines()), ""]
    return lines


class Lanes:
    """One column for each slice that commits came through; the slice being shown is the first."""

    COLOURS = ("yellow", "cyan", "magenta", "green", "blue", "red")

    def __init__(self, own: str):
        self.slices = [own]

    def draw(self, name: str) -> tuple[str, str]:
        """What stands before a commit's first line, and before its other lines."""
        if name not in self.slices:
            self.slices.append(name)
        lane = self.slices.index(name)
        columns = [self._bar(index) for index in range(len(self.slices))]
        margin = " ".join(columns)
        columns[lane] = style("●", self._colour(lane))
        return " ".join(columns) + "  ", margin + "  "

    def _bar(self, lane: int) -> Styled:
        return style("│", self._colour(lane))

    def _colour(self, lane: int) -> str:
        return self.COLOURS[lane % len(self.COLOURS)]
