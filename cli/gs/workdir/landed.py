"""After this directory's changeset has landed: what it landed is the base now, and no file is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gs.context import slice_path
from gs.transfer import manifest
from gs.workdir import index as indexes
from gs.workdir.lock import locked
from gs.workdir.selection import selected

if TYPE_CHECKING:
    from gs.http import Api
    from gs.workdir.binding import Binding


def settle(api: Api, binding: Binding, landed: dict) -> bool:
    """Make the landed commit the base, so that local edits are told from what has landed; False, and nothing is done,
    where others landed in between or something was merged: then `gs pull` brings both together."""
    commit = landed["commit"]
    if landed["merged_paths"] or landed["parent"] != binding.base:
        return False
    with locked(str(binding.root)):
        address = slice_path(binding.org, binding.slice)
        found = manifest(api, address, commit, since=binding.base, definition=binding.definition)
        if found.since != binding.base:
            return False  # the definition is another one: the rows are not what the commit changed
        index = indexes.load(binding.own("index"))
        for path, row in selected(found.rows, binding.pattern).items():
            if row is None:
                index.rows.pop(path, None)
            else:
                index.rows[path] = row
        index.save(binding.own("index"))
        binding.update(base=commit, head=commit, behind=None)
    return True
