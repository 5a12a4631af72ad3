"""After conflicts were resolved on the server: the directory's files follow, so that the next pull has nothing to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from gs.contents import file_at, has_digest
from gs.context import slice_path
from gs.http import Api
from gs.workdir.files import Tree
from gs.workdir.lock import locked
from gs.workdir.scan import row_of

if TYPE_CHECKING:
    from gs.workdir.binding import Binding


class Choice(NamedTuple):
    """What is to become of a conflict: the body for the server, and the new content if it was written here."""

    resolution: dict
    content: bytes | None = None


def follow(api: Api, binding: Binding, conflicts: list[dict], choices: list[Choice]) -> list[str]:
    """Bring files that are still the changeset's version to what was chosen; gives their paths.

    `theirs` puts the base back (the pull after landing brings theirs), text from the editor is written. A file that
    was edited since is left alone.
    """
    at = {conflict["path"]: conflict for conflict in conflicts}
    followed = []
    with locked(str(binding.root)):
        tree = Tree(str(binding.root))
        for choice in choices:
            conflict = at[choice.resolution["path"]]
            if is_ours(binding, conflict) and bring(api, binding, tree, conflict, choice):
                followed.append(conflict["path"])
    return followed


def is_ours(binding: Binding, conflict: dict) -> bool:
    """Whether the directory's file is what the changeset has at the conflict."""
    row, ours = row_of(str(binding.root), conflict["path"]), conflict["ours"]
    if row is None or ours is None:
        return row is None and ours is None
    return row.digest.hex() == ours["digest"]


def bring(api: Api, binding: Binding, tree: Tree, conflict: dict, choice: Choice) -> bool:
    """Write one file; False when nothing needs to be, or can be, written."""
    path = conflict["path"]
    if choice.content is not None:
        tree.write(path, conflict["ours"]["mode"], choice.content)
        return True
    if choice.resolution["choice"] != "theirs":
        return False
    if conflict["base"] is None:
        tree.delete(path)
        return True
    if binding.base is None:
        return False
    base = file_at(api, slice_path(binding.org, binding.slice), path, binding.base)
    if not has_digest(base, conflict["base"]):
        return False
    tree.write(path, conflict["base"]["mode"], base)
    return True
