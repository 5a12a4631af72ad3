"""`gs blame`."""

from __future__ import annotations

from itertools import groupby

from gs.cli import command
from gs.clicks import click
from gs.commands.show import slice_of
from gs.context import Context, slice_path
from gs.errors import GsError
from gs.output import emit, say, warn
from gs.style import clean, short, style


@command()
@click.argument("path", metavar="PATH")
@click.option("--commit", metavar="COMMIT", help="The file as it was then (default: the slice's head).")
@click.option(
    "--slice", "slice_name", metavar="SLICE", help="Slice whose history has it (default: this directory's)."
)
def blame(ctx: Context, path: str, commit: str | None, slice_name: str | None) -> None:
    """Who last changed each line of a file, and with which commit."""
    seen = path.strip("/") if slice_name else ctx.tree_path(path)
    if not seen:
        raise GsError("usage", f"{path} is a folder; name a file")
    address = slice_path(*slice_of(ctx, slice_name))
    emit(ctx.api().get(f"{address}blame/", path=seen, commit=commit), show)


def show(data: dict) -> None:
    lines = data["lines"]
    people = max((len(line["author"]) for line in lines), default=0)
    changesets = max((len(line["changeset"] or "") for line in lines), default=0)
    digits = len(str(len(lines)))
    for _, run in groupby(lines, lambda line: line["commit"]):
        for place, line in enumerate(run):
            facts = f"{line['author']:<{people}} {line['time'][:10]} {line['changeset'] or '':<{changesets}}"
            commit = style(short(line["commit"]), "yellow" if place == 0 else "dim")
            number = style(f"{line['number']:>{digits}}", "dim")
            say(
                f"{commit} {style(facts, None if place == 0 else 'dim')} {number}  {clean(line['text'].rstrip(chr(13)))}"
            )
    if not data["complete"]:
        warn("the history is too long: lines of the oldest commit may have come before it")
