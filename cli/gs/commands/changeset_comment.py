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
    "--line", metavar="N[-M]", help="The line of the new file it is about, or a range (with --path)."
)
@click.option("--old", is_flag=True, help="The lines are those of the old file.")
@click.option("--thread", type=click.IntRange(min=1), help="Answer in this thread.")
@click.option("--draft", is_flag=True, help="Keep it for the review that approve or reject submits.")
def comment(
    ctx: Context,
    changeset: str | None,
    message: str | None,
    path: str | None,
    line: str | None,
    old: bool,
    thread: int | None,
    draft: bool,
) -> None:
    """Comment on a changeset, a file of it, or a line."""
    if line and not path:
        raise GsError("usage", "--line needs --path", "gs changeset comment ID --path FILE --line N -m TEXT")
    lines = parse_lines(line)
    address = changeset_path(*ctx.parse_changeset(changeset)) + ("drafts/" if draft else "comments/")
    if message is None:
        from gs.editor import compose

        message = compose("comment.md")
    if not message.strip():
        raise GsError("usage", "an empty comment says nothing", "-m TEXT")
    body: dict = {"body": message, "path": path, "thread": thread, "side": "old" if old else None} | lines
    emit(ctx.api().post(address, {key: value for key, value in body.items() if value is not None}), show)


def parse_lines(text: str | None) -> dict:
    """`12` or `12-15` as the API takes it."""
    if text is None:
        return {}
    first, _, last = text.partition("-")
    if not (first.isdecimal() and (last.isdecimal() or text == first)):
        raise GsError("usage", f"--line is a number or a range like 12-15, not {text!r}")
    return {"start": int(first), "line": int(last)} if last else {"line": int(first)}


def show(data: dict) -> None:
    place = "".join(
        [f" on {data['path']}" if data.get("path") else "", f":{data['line']}" if data.get("line") else ""]
    )
    kept = "author" not in data  # a draft is nobody's but one's own
    say(f"{'Kept a draft for' if kept else 'Commented on'} {data['changeset']}{place}.")
