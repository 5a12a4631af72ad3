"""`gs pull`: bring the directory to the slice's head, merging local edits."""

from __future__ import annotations

from gs.cache import Cache
from gs.cli import command
from gs.clicks import click
from gs.commands.init import finish
from gs.context import Context, changeset_number, changeset_path, slice_path
from gs.http import Api
from gs.output import emit, say
from gs.progress import Progress
from gs.style import plural, short, style
from gs.transfer import Manifest, fetch, manifest
from gs.workdir import conflicts
from gs.workdir import index as indexes
from gs.workdir.binding import Binding
from gs.workdir.checkout import fill
from gs.workdir.decided import decided_here
from gs.workdir.files import Tree, check_paths
from gs.workdir.index import Index, Row
from gs.workdir.lock import locked
from gs.workdir.merging import Journal, merge_path
from gs.workdir.oplog import note
from gs.workdir.scan import row_of, scan
from gs.workdir.selection import selected

WORKING_TREE_CONFLICT = 32


@command("pull")
@click.option("--rebase", is_flag=True, help="Also put the current changeset on the new head.")
def pull_command(ctx: Context, rebase: bool) -> int:
    """Bring this directory to the head of its slice; local edits are merged."""
    binding = ctx.require_binding()
    if rebase and binding.changeset:
        number = changeset_number(binding.changeset)
        ctx.api().post(changeset_path(binding.org, number) + "rebase/", {})
    data = pull(ctx, binding)
    emit(data, show)
    return WORKING_TREE_CONFLICT if data["conflicts"] else 0


def pull(ctx: Context, binding: Binding) -> dict:
    """Do it; gives from, to, updated, merged and conflicts. Nothing local is lost: what does not merge stays or gets
    conflict markers, and a pull that is killed is completed by the next."""
    api = ctx.api()
    address = slice_path(binding.org, binding.slice)
    with locked(str(binding.root)):
        before = binding.base
        found = manifest(api, address, since=before, definition=binding.definition)
        index = indexes.load(binding.own("index"))
        changed = _changed(found, index, binding)
        check_paths(
            str(binding.root), {path for path, row in _after(index, changed).items() if row is not None}
        )
        binding.update(target=found.commit)
        outcome = _bring(api, address, binding, found, index, changed)
        rows = {path: row for path, row in _after(index, changed).items() if row is not None}
        finish(binding, found, Index(rows))
        Journal(binding).forget()
        note(binding, "pull", before=before, commit=found.commit, **{k: len(v) for k, v in outcome.items()})
    return {
        "slice": binding.name,
        "from": before,
        "to": found.commit,
        **outcome,
        "conflicts": conflicts.unsettled(binding),
    }


def _changed(found: Manifest, index: Index, binding: Binding) -> dict[str, Row | None]:
    """Path -> new row (None: gone) of what differs between the index and the manifest."""
    rows = selected(found.rows, binding.pattern)
    if found.since is None:
        gone = {path: None for path in index.rows if path not in rows}
        rows = {**rows, **gone}
    known = index.rows
    return {path: row for path, row in rows.items() if not _same(known.get(path), row)}


def _same(old: Row | None, new: Row | None) -> bool:
    return old is new or (old is not None and old.same_entry(new))


def _after(index: Index, changed: dict[str, Row | None]) -> dict[str, Row | None]:
    return {**index.rows, **changed}


def _bring(
    api: Api, address: str, binding: Binding, found: Manifest, index: Index, changed: dict[str, Row | None]
) -> dict:
    """Change the files; gives the paths that were updated and merged."""
    edited = {change.path for change in scan(str(binding.root), index)}
    tree = Tree(str(binding.root))
    cache = Cache()
    plain = {path: row for path, row in changed.items() if path not in edited}
    for path, row in plain.items():
        if row is None:
            tree.delete(path)
    fresh = {path: row for path, row in plain.items() if row is not None}
    if fresh:
        assert found.commit is not None
        total = sum(row.size for row in fresh.values())
        with Progress("Updating", len(fresh), total) as progress:
            fill(api, cache, address, found.commit, tree, fresh, progress, everything=False, fresh=False)
    both = sorted(path for path in changed if path in edited)
    return {
        "updated": sorted(plain),
        "merged": _merge(api, address, binding, found, index, changed, both, tree, cache),
    }


def _merge(
    api: Api,
    address: str,
    binding: Binding,
    found: Manifest,
    index: Index,
    changed: dict[str, Row | None],
    paths: list[str],
    tree: Tree,
    cache: Cache,
) -> list[str]:
    def contents(row: Row) -> bytes:
        for path in paths:
            for commit, known in ((found.commit, changed[path]), (binding.base, index.rows.get(path))):
                if known is not None and commit is not None and known.digest == row.digest:
                    return _whole(api, cache, address, commit, path, known)
        raise AssertionError("only rows of these paths are asked for")

    journal = Journal(binding)
    merged, collided = [], []
    decided = _decided(api, binding, changed, paths)
    for path in paths:
        if path in decided:
            continue
        outcome = merge_path(tree, path, index.rows.get(path), changed[path], contents, journal)
        if outcome == "merged":
            merged.append(path)
        elif outcome in ("text", "kept"):
            collided.append((outcome, path))
            conflicts.record(binding, collided)
    return merged


def _decided(api: Api, binding: Binding, changed: dict[str, Row | None], paths: list[str]) -> set[str]:
    """Those of the paths at which a person has resolved the conflict already."""
    if not paths:
        return set()
    heads = {path: changed[path] for path in paths}
    return decided_here(api, binding, heads, {path: row_of(str(binding.root), path) for path in paths})


def _whole(api: Api, cache: Cache, address: str, commit: str, path: str, row: Row) -> bytes:
    ((_, content),) = (
        (d, c if isinstance(c, bytes) else b"".join(c))
        for d, c in fetch(api, cache, address, commit, {path: row})
    )
    return content


def show(data: dict) -> None:
    if data["from"] == data["to"] and not data["conflicts"]:
        say(f"{data['slice']} is at its head already.")
        return
    say(f"{data['slice']} is at {short(data['to'])} now: {plural(len(data['updated']), 'file')} updated.")
    for path in data["merged"]:
        say(f"  merged {path}")
    for path in data["conflicts"]:
        say(style(f"  conflict {path}", "alarm"))
    if data["conflicts"]:
        say("Edit these files, then: gs conflict resolve --resolved PATH")
