"""What may be chosen for a whole file, in the words of its kind of conflict."""

from __future__ import annotations

from typing import Any, NamedTuple

from slices.access import Access
from slices.entries import EXECUTABLE


class Choice(NamedTuple):
    value: str
    label: str
    grave: bool = False


def whole_choices(body: dict[str, Any], access: Access) -> list[Choice]:
    kind = body["kind"]
    if kind == "modify_delete":
        return _deleted(body)
    if kind == "file_folder":
        force = Choice("force", "Ours, and delete what stands in its way", grave=True)
        return [Choice("theirs", "Let our file go"), *([force] if access.can_maintain else [])]
    if kind == "mode":
        return [Choice(side, f"{side.capitalize()}: {_mode(body[side])}") for side in ("ours", "theirs")]
    choices = [Choice("ours", "Ours"), Choice("theirs", "Theirs")]
    if kind == "rename":
        return [*choices, Choice("auto", "Our change, at their new path")]
    return [*choices, Choice("auto", "Merge both")] if body["severity"] == "low" else choices


def _deleted(body: dict[str, Any]) -> list[Choice]:
    if body["ours"] is None:
        return [
            Choice("ours", "Delete the file", grave=True),
            Choice("theirs", "Keep the file as they have it"),
        ]
    return [Choice("ours", "Keep the file as we have it"), Choice("theirs", "Delete the file", grave=True)]


def _mode(entry: dict[str, Any]) -> str:
    return "executable" if entry["mode"] == EXECUTABLE else f"not executable ({entry['mode']})"
