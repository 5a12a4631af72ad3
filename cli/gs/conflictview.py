"""Conflicts for people: a table of them, and one with both sides and its hunks."""

from __future__ import annotations

from gs.output import say
from gs.style import ago, clean, fields, plural, short, state, style, table

KINDS = {
    "content": "both sides changed the same lines",
    "add_add": "both sides added the file",
    "modify_delete": "one side changed what the other deleted",
    "mode": "the sides want different modes",
    "rename": "the sides renamed it differently",
    "file_folder": "a file on one side, a folder on the other",
    "binary": "both sides changed a binary file",
}


def print_conflicts(conflicts: list[dict], *, detailed: bool = False) -> None:
    """A table, most severe first, and each hint once; `detailed` prints each conflict in full."""
    if detailed:
        for conflict in conflicts:
            print_conflict(conflict)
            say()
        return
    ordered = by_severity(conflicts)
    rows = [
        [state(item["severity"] or "hidden"), item["kind"] or "hidden", other_side(item), item["path"]]
        for item in ordered
    ]
    headers = ["severity", "kind", "with", "path"]
    if any(item.get("id") for item in ordered):  # what a merge or rebase reports has none
        headers = ["id", *headers]
        rows = [[item["id"] or "-", *row] for item, row in zip(ordered, rows, strict=True)]
    table(headers, rows, empty="No conflicts.")
    for hint in dict.fromkeys(conflict["hint"] for conflict in conflicts if conflict.get("hint")):
        say(f"{style('hint:', 'cyan')} {clean(hint)}")


def print_conflict(conflict: dict) -> None:
    """One conflict: where, what, who, and the hunks."""
    say(style(conflict["path"], "title"))
    fields(
        [
            ("id", conflict.get("id")),
            ("kind", f"{conflict['kind'] or 'hidden'}: {KINDS.get(conflict['kind'], '')}".rstrip(": ")),
            ("severity", state(conflict["severity"] or "hidden")),
            ("state", state(conflict.get("state") or "open")),
            ("changeset", conflict.get("changeset")),
            ("ours", side(conflict, "ours")),
            ("theirs", side(conflict, "theirs") if conflict["kind"] else None),
            ("assignee", conflict.get("assignee")),
            ("hint", conflict.get("hint")),
        ]
    )
    print_hunks(conflict.get("hunks") or [])


def print_hunks(hunks: list[dict]) -> None:
    """Each colliding hunk: base, ours, theirs, with line numbers of the first line."""
    for number, hunk in enumerate(hunks, 1):
        inside = f" in {hunk['inside']}" if hunk.get("inside") else ""
        say(style(f"--- {number} of {plural(len(hunks), 'hunk')}{clean(inside)}", "cyan"))
        for line in hunk.get("before") or ():
            say(style("  " + clean(line.rstrip("\r")), "dim"))
        for name, colour in (("base", "dim"), ("ours", "green"), ("theirs", "red")):
            say(style(f"{name} (line {hunk.get(f'{name}_start', '?')})", "bold"))
            if not hunk.get(name):
                say(style("  (nothing)", "dim"))
            for line in hunk.get(name) or ():
                say("  " + style(line.rstrip("\r\n"), colour))
        for line in hunk.get("after") or ():
            say(style("  " + clean(line.rstrip("\r")), "dim"))


def by_severity(conflicts: list[dict]) -> list[dict]:
    order = {"critical": 0, "high": 1, "medium": 2, "low": 3}
    return sorted(conflicts, key=lambda conflict: (order.get(conflict["severity"], 4), conflict["path"]))


def side(conflict: dict, name: str) -> str | None:
    """`acme/web by ada in cl-7, 2 hours ago` for one side."""
    info = (conflict.get("sides") or {}).get(name)
    entry = conflict.get(name)
    if not info:
        return None if entry else "deleted or absent"
    parts = [info.get("slice") or "", f"by {info['author']}" if info.get("author") else ""]
    origin = info.get("changeset") or (short(info["commit"]) if info.get("commit") else "")
    parts.append(f"in {origin}" if origin else "")
    text = " ".join(part for part in parts if part)
    if info.get("time"):
        text += f", {ago(info['time'])}"
    return text + ("" if entry else " (deleted)")


def other_side(conflict: dict) -> str:
    """Whose work it collides with: `acme/api ada cl-7`."""
    info = (conflict.get("sides") or {}).get("theirs") or {}
    parts = (info.get("slice"), info.get("author"), info.get("changeset"))
    return clean(" ".join(part for part in parts if part)) or "another team"
