"""`gs search`."""

from __future__ import annotations

from gs.cli import command, paging
from gs.clicks import click
from gs.context import Context
from gs.output import emit, say, warn
from gs.style import clean, more, style


@command()
@click.argument("text", metavar="TEXT")
@click.option(
    "--slice", "slice_name", metavar="SLICE", help="Only what this slice covers (default: all that you see)."
)
@click.option("--path", metavar="PATTERN", help="Only paths of this pattern: '*.py', 'docs/**'.")
@click.option(
    "--lang", metavar="LANGUAGE", help="Only files of this language, or with this ending: python, tf."
)
@click.option("--regex", is_flag=True, help="TEXT is a regular expression, for single lines.")
@click.option("--case", is_flag=True, help="Capitals and small letters differ.")
@click.option("--files", is_flag=True, help="Search the paths, not what is in the files.")
@click.option(
    "-C", "--context", type=click.IntRange(0, 10), default=0, show_default=True, help="Lines around a match."
)
@paging
def search(
    ctx: Context,
    text: str,
    slice_name: str | None,
    path: str | None,
    lang: str | None,
    regex: bool,
    case: bool,
    files: bool,
    context: int,
    limit: int,
    cursor: str | None,
) -> None:
    """Find a text, or a path, in all that you see of the tree as it is now."""
    organization, name = ctx.parse_slice(slice_name) if slice_name else (ctx.organization(), None)
    data = ctx.api().get(
        f"search/{organization}/",
        q=text,
        slice=name,
        path=path,
        lang=lang,
        regex=1 if regex else None,
        case=1 if case else None,
        context=context,
        limit=limit,
        cursor=cursor,
        **({"in": "paths"} if files else {}),
    )
    emit(data, show)


def show(data: dict) -> None:
    for file in data["items"]:
        say(style(clean(file["path"]), "bold"))
        last = 0
        for line in file.get("lines", ()):
            if last and line["number"] > last + 1:
                say(style("--", "dim"))
            last = line["number"]
            sign = ":" if line["matches"] else "-"
            say(f"{style(f'{last:>5}{sign}', 'dim')} {_marked(line)}")
        if file.get("more"):
            say(style("       and more lines in this file", "dim"))
    if data.get("stopped_at"):
        warn(f"searched up to {data['stopped_at']}, then the time was up: narrow it with --path, or go on")
    elif not data["items"]:
        say("Nothing has that in it.")
    more(data)


def _marked(line: dict) -> str:
    """The line with its matches in colour."""
    text, at, shown = line["text"].rstrip("\r"), 0, ""
    for start, end in line["marks"]:
        shown += clean(text[at:start]) + style(clean(text[start:end]), "red")
        at = end
    return shown + clean(text[at:])
