"""`gs diff`: working directory against its base or a commit, or one commit against another."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase

from gitslice_core import diff as lines
from gs.cache import Cache
from gs.cli import command
from gs.clicks import click
from gs.commands.status import local_changes
from gs.context import Context, slice_path
from gs.diffview import print_diff, print_names, print_stat
from gs.errors import GsError
from gs.output import emit
from gs.transfer import fetch, manifest
from gs.workdir import index as indexes
from gs.workdir.binding import Binding
from gs.workdir.index import Row
from gs.workdir.scan import Change, renamed, scan

LARGE = 10 << 20  # bytes above which a file is only counted as changed


@command("diff")
@click.argument("arguments", nargs=-1, metavar="[A] [B] [-- PATHS]")
@click.option("--stat", is_flag=True, help="Only counts.")
@click.option("--name-only", is_flag=True, help="Only paths.")
@click.option("--word-diff", is_flag=True, help="Mark changed words.")
@click.option("--filter", "glob", metavar="GLOB", help="Only paths like GLOB.")
@click.option("--external", is_flag=True, help="Show in the configured diff tool.")
def diff(
    ctx: Context,
    arguments: tuple[str, ...],
    stat: bool,
    name_only: bool,
    word_diff: bool,
    glob: str | None,
    external: bool,
) -> None:
    """What changed here since the base, since commit A, or from commit A to commit B."""
    binding = ctx.require_binding()
    commits, paths = _sorted_out(binding, arguments)
    if len(commits) == 2:
        address = slice_path(binding.org, binding.slice)
        files = ctx.api().get(f"{address}diff/", from_=commits[0], to=commits[1])["files"]
        chosen = [file for file in files if _wanted(file["path"], paths, glob)]
    else:
        changes, base = _changes(ctx, binding, commits)
        chosen = _file_diffs(ctx, binding, base, [c for c in changes if _wanted(c.path, paths, glob)])
    start = commits[0] if commits else binding.base
    end = commits[1] if len(commits) == 2 else None
    data = {"slice": binding.name, "from": start, "to": end, "files": chosen}
    if external:
        from gs.difftool import show_files

        show_files(ctx.api(), binding.name, start, chosen)
    emit(data, lambda shown: _show(shown["files"], stat, name_only, word_diff) if not external else None)


def _show(files: list[dict], stat: bool, name_only: bool, word_diff: bool) -> None:
    if name_only:
        print_names(files)
    elif stat:
        print_stat(files)
    else:
        print_diff(files, words=word_diff)


def _sorted_out(binding: Binding, arguments: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Commits first, then paths."""
    commits: list[str] = []
    paths: list[str] = []
    for text in arguments:
        path = os.path.relpath(os.path.abspath(text), binding.root).replace(os.sep, "/")
        if not paths and len(commits) < 2 and _names_a_commit(binding, text, path):
            commits.append(text)
        else:
            paths.append(path)
    return commits, paths


def _names_a_commit(binding: Binding, text: str, path: str) -> bool:
    """A commit's digits, HEAD or a tag; what stands here, or stood here and is deleted, is a path."""
    import re

    if os.path.lexists(text) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", text):
        return False
    if re.fullmatch(r"HEAD|[0-9a-f]{6,64}", text):
        return True
    known = indexes.load(binding.own("index")).rows
    return not any(name == path or name.startswith(f"{path}/") for name in known)


def _wanted(path: str, paths: list[str], glob: str | None) -> bool:
    inside = not paths or any(
        wanted == "." or path == wanted or path.startswith(wanted + "/") for wanted in paths
    )
    return inside and (glob is None or fnmatchcase(path, glob))


def _changes(ctx: Context, binding: Binding, commits: list[str]) -> tuple[list[Change], str | None]:
    if not commits:
        return local_changes(binding), binding.base
    found = manifest(ctx.api(), slice_path(binding.org, binding.slice), commits[0])
    known = indexes.load(binding.own("index")).rows
    rows = {path: row for path, row in found.rows.items() if row is not None}
    for path, row in rows.items():
        if row.same_entry(known.get(path)):
            rows[path] = known[path]
    return renamed(scan(str(binding.root), indexes.Index(rows))), found.commit


def _file_diffs(ctx: Context, binding: Binding, base: str | None, changes: list[Change]) -> list[dict]:
    """FILEDIFFs of local changes; contents of the base come from the cache, those that it lacks from the server."""
    olds = {change.renamed_from or change.path: change.old for change in changes if change.old is not None}
    contents = _base_contents(ctx, binding, base, {p: row for p, row in olds.items() if row.size <= LARGE})
    return [_file_diff(binding, change, contents) for change in changes]


def _base_contents(
    ctx: Context, binding: Binding, base: str | None, rows: dict[str, Row]
) -> dict[bytes, bytes]:
    if not rows:
        return {}
    cache = Cache()
    contents = dict(cache.read(cache.find({row.digest for row in rows.values()})))
    missing = {path: row for path, row in rows.items() if row.digest not in contents}
    if missing:
        assert base is not None
        address = slice_path(binding.org, binding.slice)
        for digest, content in fetch(ctx.api(), cache, address, base, missing):
            contents[digest] = content if isinstance(content, bytes) else b"".join(content)
    return contents


def _file_diff(binding: Binding, change: Change, contents: dict[bytes, bytes]) -> dict:
    large = max(row.size for row in (change.old, change.new) if row is not None) > LARGE
    old = contents[change.old.digest] if change.old is not None and not large else b""
    new = _local_content(binding, change) if change.new is not None and not large else b""
    binary = large or lines.is_binary(old) or lines.is_binary(new)
    hunks = [] if binary else lines.hunks(old, new)
    return {
        "path": change.path,
        "op": change.op,
        "renamed_from": change.renamed_from,
        "old": _entry(change.old),
        "new": _entry(change.new),
        "binary": binary and not large,
        "too_large": large,
        "additions": sum(line[:1] == b"+" for hunk in hunks for line in hunk.lines),
        "deletions": sum(line[:1] == b"-" for hunk in hunks for line in hunk.lines),
        "hunks": [_hunk(hunk) for hunk in hunks],
    }


def _local_content(binding: Binding, change: Change) -> bytes:
    name = binding.path(change.path)
    if change.new is not None and change.new.mode == "120000":
        return os.fsencode(os.readlink(name))
    try:
        with open(name, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise GsError("failed", f"{change.path} vanished while it was read", "try again") from None


def _hunk(hunk: lines.Hunk) -> dict:
    return {
        "old_start": hunk.old_start,
        "old_count": hunk.old_count,
        "new_start": hunk.new_start,
        "new_count": hunk.new_count,
        "lines": hunk.texts(),
    }


def _entry(row: Row | None) -> dict | None:
    return None if row is None else {"mode": row.mode, "digest": row.digest.hex(), "size": row.size}
