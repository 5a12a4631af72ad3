"""`gs show`."""

from __future__ import annotations

import sys

from gs.cli import command
from gs.clicks import click
from gs.context import Context, slice_path
from gs.diffview import print_diff, print_files, print_stat
from gs.errors import GsError
from gs.http import Api, encode_query, quote
from gs.output import emit, say
from gs.style import ago, clean, fields, short, style

CHUNK = 1024 * 1024  # bytes


@command()
@click.argument("what", metavar="COMMIT[:PATH]")
@click.option(
    "--slice", "slice_name", metavar="SLICE", help="Slice whose history has it (default: this directory's)."
)
@click.option("--diff", "with_diff", is_flag=True, help="The diff too.")
@click.option("--files", "files_only", is_flag=True, help="Only the changed paths.")
@click.option("--parents", is_flag=True, help="The commits before it too.")
@click.option("--patch", is_flag=True, help="A patch with its message, as `git am` reads it.")
@click.option("--path", "paths", multiple=True, metavar="PATH", help="Only this file or folder; repeatable.")
def show(
    ctx: Context,
    what: str,
    slice_name: str | None,
    with_diff: bool,
    files_only: bool,
    parents: bool,
    patch: bool,
    paths: tuple[str, ...],
) -> None:
    """A commit; or with COMMIT:PATH the file as it was then, on stdout."""
    commit, colon, file = what.partition(":")
    address = slice_path(*slice_of(ctx, slice_name))
    if colon:
        show_file(ctx, address, commit, file)
        return
    api = ctx.api()
    data = api.get(f"{address}commits/{quote(commit)}/")
    data["files"] = [item for item in data["files"] if matches(item, paths)]
    if with_diff or patch:
        diffs = api.get(f"{address}commits/{quote(data['commit'])}/diff/")["files"]
        data["diff"] = [item for item in diffs if matches(item, paths)]
    if parents:
        data["parents"] = ancestors(api, address, data)
    emit(data, show_patch if patch else show_names if files_only else show_commit)


def slice_of(ctx: Context, text: str | None) -> tuple[str, str]:
    """The slice named, else the directory's, else the root slice of the organization."""
    if text or ctx.binding():
        return ctx.slice_or_current(text)
    return ctx.organization(), "root"


def show_file(ctx: Context, address: str, commit: str, path: str) -> None:
    """The bytes of a file; with --json as text, or base64 if they are no UTF-8."""
    if not path:
        raise GsError("usage", "a path is missing after the colon", "gs show COMMIT:PATH")
    request = f"{address}file/" + encode_query({"path": path, "commit": commit})
    with ctx.api().stream("GET", request) as response:
        if ctx.json:
            emit({"commit": commit, "path": path, **encoded(response.read())})
            return
        while chunk := response.read(CHUNK):
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()


def encoded(content: bytes) -> dict:
    try:
        return {"size": len(content), "encoding": "utf-8", "content": content.decode()}
    except UnicodeDecodeError:
        from base64 import b64encode

        return {"size": len(content), "encoding": "base64", "content": b64encode(content).decode()}


def matches(file: dict, paths: tuple[str, ...]) -> bool:
    """Whether a file (or what it was renamed from) is one of the paths or below one."""
    names = [name for name in (file["path"], file.get("renamed_from")) if name]
    wanted = [path.strip("/") for path in paths]
    return not wanted or any(name == path or name.startswith(path + "/") for name in names for path in wanted)


def ancestors(api: Api, address: str, commit: dict, limit: int = 10) -> list[dict]:
    """Up to `limit` commits before this one, nearest first, as far as the slice shows them."""
    found: list[dict] = []
    parent = commit["parent"]
    while parent and len(found) < limit:
        try:
            body = api.get(f"{address}commits/{parent}/")
        except GsError as error:
            if error.code != "commit_not_found":
                raise
            break
        found.append({key: body[key] for key in ("commit", "parent", "author", "time", "message", "slice")})
        parent = body["parent"]
    return found


def show_commit(data: dict) -> None:
    say(style(f"commit {data['commit']}", "yellow"))
    fields(
        [
            ("parent", short(data["parent"])),
            ("slice", data["slice"]),
            ("changeset", data.get("changeset")),
            ("author", data["author"]),
            ("time", f"{data['time']} ({ago(data['time'])})"),
            ("merged", ", ".join(data.get("merged_paths") or []) or None),
        ]
    )
    say()
    for line in data["message"].splitlines():
        say("    " + clean(line))
    say()
    if data.get("diff"):
        print_stat(data["diff"])
        say()
        print_diff(data["diff"])
    else:
        print_files(data["files"])
    if data.get("hidden_files"):
        say(style(f"  and {data['hidden_files']:,} outside the slice", "dim"))
    for parent in data.get("parents", []):
        title = clean(parent["message"].split("\n", 1)[0])
        say(f"{style('parent', 'dim')} {style(short(parent['commit']), 'yellow')} {title}")


def show_names(data: dict) -> None:
    print_files(data["files"])


def show_patch(data: dict) -> None:
    from datetime import datetime
    from email.utils import format_datetime

    title, _, body = data["message"].partition("\n")
    say(f"From {data['commit']} Mon Sep 17 00:00:00 2001")
    say(f"From: {clean(data['author'])} <{clean(data['author'])}>")
    say(f"Date: {format_datetime(datetime.fromisoformat(data['time']))}")
    say(f"Subject: [PATCH] {clean(title)}")
    say()
    say(clean(body.strip() + "\n---" if body.strip() else "---"))
    print_diff(data["diff"])
