"""`gs changeset comment`."""

from __future__ import annotations

from gs.cli import command
from gs.clicks import click
from gs.context import Context, changeset_path
from gs.errors import GsError
from gs.output import emit, say


@command()
@click.argument("changeset", metavar="[ID]", required=False)
@click.option("-m", "--message", metavar="TEXT", help="The comment; without it $EDITOR opens.")
@click.option("--path", metavar="PATH", help="The file it is about.")
@click.option(
    "--line", type=click.IntRange(min=1), help="The line of the new file it is about (with --path)."
)
def comment(
    ctx: Context, changeset: str | None, message: str | None, path: str | None, line: int | None
) -> None:
    """Comment on a changeset, a file of it, or a line."""
    if line and not path:
        raise GsError("usage", "--line needs --path", "gs changeset comment ID --path FILE --line N -m TEXT")
    address = changeset_path(*ctx.parse_changeset(changeset)) + "comments/"
    if message is None:
        from gs.editor import compose

        message = compose("comment.md")
    if not message.strip():
        raise GsError("usage", "an empty comment says nothing", "-m TEXT")
    body: dict = {"body": message}
    if path:
        body["path"] = path
    if line:
        body["line"] = line
    emit(ctx.api().post(address, body), show)


def show(data: dict) -> None:
    place = "".join(
        [f" on {data['path']}" if data.get("path") else "", f":{data['line']}" if data.get("line") else ""]
    )
    say(f"Commented on {data['changeset']}{place}.")
