"""Two sides changed one path since their common base: what comes of it. Pure.

`meet` decides from the three entries (and, where it must, their contents): the merged entry or content, or a Collision
with kind, severity, hunks and a hint. Kinds and severities are those of docs/concepts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gitslice_core.diff import is_binary
from gitslice_core.merge import Conflict as Hunk
from gitslice_core.merge import MergeTooLarge, merge, only_whitespace_differs
from slices.entries import SYMLINK, Entry

CONTENT, ADD_ADD, MODIFY_DELETE, MODE, RENAME, FILE_FOLDER, BINARY = (
    "content",
    "add_add",
    "modify_delete",
    "mode",
    "rename",
    "file_folder",
    "binary",
)
LOW, MEDIUM, HIGH, CRITICAL = "low", "medium", "high", "critical"

Read = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Merged:
    """Both sides fit together. `content` is new content to store under `mode`, or None when `entry` has it already."""

    entry: Entry | None
    mode: str | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Collision:
    """Both sides do not fit together. Entries are None where a side has nothing at the path."""

    path: str
    kind: str
    severity: str
    base: Entry | None
    ours: Entry | None
    theirs: Entry | None
    hint: str
    hunks: tuple[Hunk, ...] = field(default=())


def meet(
    path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None, read: Read, limit: int
) -> Merged | Collision:
    """Merge `ours` and `theirs`, both made on `base`. `read` gives the content of a digest; contents above `limit`
    bytes are not merged."""

    def collision(kind: str, severity: str, hint: str, hunks: tuple[Hunk, ...] = ()) -> Collision:
        return Collision(path, kind, severity, base, ours, theirs, hint, hunks)

    if ours == theirs or theirs == base:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    if ours is None or theirs is None:
        return collision(MODIFY_DELETE, CRITICAL, _deleted_hint(deleted_by_them=theirs is None))
    mode = _merge_modes(base, ours, theirs)
    if mode is None:
        return collision(MODE, HIGH, f"you set mode {ours.mode}, they set {theirs.mode}; choose one")
    if ours.digest == theirs.digest or (base and theirs.digest == base.digest):
        return Merged(ours._replace(mode=mode))
    if base and ours.digest == base.digest:
        return Merged(theirs._replace(mode=mode))
    if SYMLINK in (ours.mode, theirs.mode):
        return collision(CONTENT, HIGH, "both sides changed where the symlink points; choose one")
    if max(entry.size for entry in (base, ours, theirs) if entry) > limit:
        return collision(
            BINARY, CRITICAL, f"the file is larger than the merge limit of {limit} bytes; choose one side"
        )
    old, mine, yours = (read(entry.digest) if entry else b"" for entry in (base, ours, theirs))
    if any(map(is_binary, (old, mine, yours))):
        return collision(BINARY, CRITICAL, "both sides changed a binary file; choose one")
    try:
        result = merge(old, mine, yours)
    except MergeTooLarge:
        return collision(BINARY, CRITICAL, "the file is too large to merge; choose one side")
    if result.clean and base is not None:
        assert result.content is not None
        return Merged(None, mode, result.content)
    kind = CONTENT if base else ADD_ADD
    if not result.conflicts:  # two added files of which one merely extends the other: nobody decided that
        return collision(kind, HIGH, "both sides added this file; choose one or merge by hand")
    return collision(
        kind, _severity(result.conflicts), _content_hint(kind, result.conflicts), result.conflicts
    )


def _merge_modes(base: Entry | None, ours: Entry, theirs: Entry) -> str | None:
    if ours.mode == theirs.mode:
        return ours.mode
    if base and ours.mode == base.mode:
        return theirs.mode
    if base and theirs.mode == base.mode:
        return ours.mode
    return None


def _severity(hunks: tuple[Hunk, ...]) -> str:
    return MEDIUM if all(only_whitespace_differs(hunk.ours, hunk.theirs) for hunk in hunks) else HIGH


def _content_hint(kind: str, hunks: tuple[Hunk, ...]) -> str:
    places = "1 place" if len(hunks) == 1 else f"{len(hunks)} places"
    if kind == ADD_ADD:
        return f"both sides added this file and differ in {places}; choose one or merge by hand"
    if _severity(hunks) == MEDIUM:
        return f"both sides changed {places} and differ only in white space; taking theirs loses no words"
    return f"both sides changed {places}; edit the file and resolve it, or choose one side"


def _deleted_hint(*, deleted_by_them: bool) -> str:
    if deleted_by_them:
        return "they deleted the file that you changed; 'theirs' lets it go, 'ours' brings it back"
    return "you deleted the file that they changed; 'ours' deletes their work, 'theirs' keeps the file"
