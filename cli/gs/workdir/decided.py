"""What was decided about conflicts on the server is not asked for again in the directory."""

from __future__ import annotations

from gs.context import changeset_number, changeset_path

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from gs.http import Api
    from gs.workdir.binding import Binding
    from gs.workdir.index import Row


def decided_here(
    api: Api, binding: Binding, heads: dict[str, Row | None], local: dict[str, Row | None]
) -> set[str]:
    """Those paths at which the local file is what this directory's changeset has now, made on what the head is now."""
    if binding.changeset is None:
        return set()
    address = changeset_path(binding.org, changeset_number(binding.changeset))
    if api.get(address)["patchsets"][-1]["origin"] != "resolve":
        return set()
    files = {file["path"]: file for file in api.get(address + "diff/", stat=1)["files"]}
    return {
        path
        for path in heads
        if path in files and _is(heads[path], files[path]["old"]) and _is(local[path], files[path]["new"])
    }


def _is(row: Row | None, entry: dict | None) -> bool:
    if row is None or entry is None:
        return row is None and entry is None
    return (row.mode, row.digest.hex()) == (entry["mode"], entry["digest"])
