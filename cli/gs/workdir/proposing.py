"""From local edits to a changeset: which edits, their contents uploaded, sent so that nothing happens twice."""

from __future__ import annotations

import json
import os

from gs.errors import GsError
from gs.transfer import upload
from gs.workdir.binding import write_atomically

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gs.context import Context
    from gs.http import Api
    from gs.workdir.binding import Binding
    from gs.workdir.scan import Change

MANY = 2000  # edits above which they go a line each


def chosen_changes(binding: Binding, files: Sequence[str]) -> list[Change]:
    """The local changes, of the named files and folders only if some are named. Raises GsError when there are none,
    or while a conflict is unsettled."""
    from gs.commands.status import local_changes
    from gs.workdir.conflicts import unsettled

    changes = local_changes(binding)
    if files:
        wanted = [_relative(binding, name) for name in files]
        for name, path in zip(files, wanted, strict=True):
            if path and not any(_within(change, path) for change in changes):
                raise GsError("path_not_found", f"nothing changed in {name}", "gs status")
        changes = [change for change in changes if any(_within(change, path) for path in wanted)]
    if not changes:
        raise GsError("failed", "there is nothing to propose: no file was changed", "gs status")
    _require_text(changes)
    collided = [path for path in unsettled(binding) if any(change.path == path for change in changes)]
    if collided:
        raise GsError(
            "working_tree_conflict",
            f"{collided[0]} is in conflict",
            "edit it, then: gs conflict resolve --resolved PATH",
            {"paths": collided},
        )
    return changes


def _require_text(changes: Sequence[Change]) -> None:
    """The tree's names are UTF-8. Raises GsError `invalid_path`."""
    for change in changes:
        try:
            change.path.encode()
        except UnicodeEncodeError:
            raise GsError(
                "invalid_path",
                f"the name {os.fsencode(change.path)!r} is not UTF-8",
                "rename it, or name it in .gsignore",
            ) from None


def title_and_description(message: str) -> dict:
    """The first line of a message, and the others. Raises GsError `usage` for an empty one."""
    title, _, description = message.strip().partition("\n")
    if not title:
        raise GsError("usage", "the message is empty", "-m 'what and why'")
    return {"title": title.strip(), "description": description.strip()}


def edit_bodies(changes: Iterable[Change]) -> list[dict]:
    """EDITs as the API takes them."""
    bodies = []
    for change in changes:
        body: dict = {"op": change.op, "path": change.path}
        if change.new is not None:
            body |= {"mode": change.new.mode, "digest": change.new.digest.hex(), "size": change.new.size}
        if change.renamed_from:
            body["renamed_from"] = change.renamed_from
        bodies.append(body)
    return bodies


def upload_changes(ctx: Context, binding: Binding, changes: Iterable[Change]) -> None:
    """Upload the contents that the server cannot know from the base."""
    files = [
        (binding.path(change.path), change.new)
        for change in changes
        if change.new is not None and not (change.old is not None and change.old.digest == change.new.digest)
    ]
    if files:
        upload(ctx.api(), binding.org, files)


def post_edits(ctx: Context, address: str, head: dict, edits: list[dict], key: str) -> dict:
    """POST a changeset or patchset; many edits go as lines."""
    if len(edits) <= MANY:
        return ctx.api().post(address, {**head, "edits": edits}, idempotency_key=key)
    return post_lines(ctx.api(), address, head, edits, key)


def post_lines(api: Api, address: str, head: dict, edits: list[dict], key: str | None = None) -> dict:
    """The same, always a line for each edit."""
    lines = [json.dumps(head), *map(json.dumps, edits)]
    return api.post(address, "\n".join(lines).encode(), "application/x-ndjson", idempotency_key=key)


def kept_key(binding: Binding, request: object) -> str:
    """An idempotency key for a request, the same if the same request is tried again after a crash."""
    from hashlib import sha256

    digest = sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
    try:
        with open(binding.own("request"), encoding="utf-8") as file:
            known, key = file.read().split()
        if known == digest:
            return key
    except (FileNotFoundError, ValueError):
        pass
    key = os.urandom(16).hex()
    write_atomically(binding.own("request"), f"{digest} {key}\n".encode())
    return key


def forget_key(binding: Binding) -> None:
    """The request was answered; the next one is another, even if it says the same."""
    if os.path.exists(binding.own("request")):
        os.unlink(binding.own("request"))


def _relative(binding: Binding, name: str) -> str:
    path = os.path.relpath(os.path.abspath(name), binding.root)
    if path == os.pardir or path.startswith(os.pardir + os.sep):
        raise GsError("usage", f"{name} is outside {binding.root}")
    return "" if path == os.curdir else path.replace(os.sep, "/")


def _within(change: Change, path: str) -> bool:
    return (
        not path or change.path == path or change.path.startswith(path + "/") or change.renamed_from == path
    )
