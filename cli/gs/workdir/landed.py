"""What this directory has landed is its base now, and no file is touched."""

from __future__ import annotations

from gs.workdir import index as indexes

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Mapping

    from gs.workdir.binding import Binding
    from gs.workdir.index import Row


def move_base(binding: Binding, commit: str, rows: Mapping[str, Row | None]) -> None:
    """Make a landed commit on the present base the base; `rows` is what it changed (None: gone)."""
    index = indexes.load(binding.own("index"))
    for path, row in rows.items():
        if row is None:
            index.rows.pop(path, None)
        else:
            index.rows[path] = row
    index.save(binding.own("index"))
    binding.update(base=commit, head=commit, behind=None)
