"""Two sides changed one path since their common base: what comes of it. Pure.

`meet` decides from the three entries (and, where it must, their contents): the merged entry or content, or a Collision
with kind, severity, hunks and a hint. Kinds and severities are those of docs/concepts.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from changesets.places import enclosing
from gitslice_core.diff import is_binary, split_lines
from gitslice_core.merge import Conflict as Hunk
from gitslice_core.merge import MergeTooLarge, merge, only_formatting_differs
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

FEW_LINES = 20  # that one can be asked to write again

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
    hint: str  # what happened
    advice: str = ""  # what to do about it
    hunks: tuple[Hunk, ...] = field(default=())
    inside: tuple[str, ...] = field(default=())  # for each hunk, the function or section around it


def meet(
    path: str, base: Entry | None, ours: Entry | None, theirs: Entry | None, read: Read, limit: int
) -> Merged | Collision:
    """Merge `ours` and `theirs`, both made on `base`. `read` gives the content of a digest; contents above `limit`
    bytes are not merged."""

    def collision(kind: str, severity: str, hint: str, advice: str) -> Collision:
        return Collision(path, kind, severity, base, ours, theirs, hint, advice)

    if ours == theirs or theirs == base:
        return Merged(ours)
    if ours == base:
        return Merged(theirs)
    if ours is None or theirs is None:
        return collision(MODIFY_DELETE, CRITICAL, *_deleted(by_them=theirs is None))
    mode = _merge_modes(base, ours, theirs)
    if mode is None:
        return collision(MODE, HIGH, f"you set mode {ours.mode}, they set {theirs.mode}", "choose one")
    if ours.digest == theirs.digest or (base and theirs.digest == base.digest):
        return Merged(ours._replace(mode=mode))
    if base and ours.digest == base.digest:
        return Merged(theirs._replace(mode=mode))
    if SYMLINK in (ours.mode, theirs.mode):
        return collision(CONTENT, HIGH, "both changed where the symlink points", "choose one")
    if max(entry.size for entry in (base, ours, theirs) if entry) > limit:
        return collision(
            BINARY, CRITICAL, f"the file is larger than the merge limit of {limit} bytes", "choose one side"
        )
    old, mine, other = (read(entry.digest) if entry else b"" for entry in (base, ours, theirs))
    if any(map(is_binary, (old, mine, other))):
        return collision(BINARY, CRITICAL, "both changed a binary file", "choose one")
    try:
        result = merge(old, mine, other)
    except MergeTooLarge:
        return collision(BINARY, CRITICAL, "the file is too large to merge", "choose one side")
    if result.clean and base is not None:
        assert result.content is not None
        return Merged(None, mode, result.content)
    if not result.conflicts:  # two added files of which one merely extends the other: nobody decided that
        return collision(ADD_ADD, HIGH, "both added this file", "choose one or merge by hand")
    return _content_collision(collision(CONTENT if base else ADD_ADD, HIGH, "", ""), mine, result.conflicts)


def _content_collision(found: Collision, ours: bytes, hunks: tuple[Hunk, ...]) -> Collision:
    """The collision with its hunks, what they are inside of, and words for them."""
    lines = split_lines(ours)
    inside = tuple(enclosing(lines, hunk.ours_start) for hunk in hunks)
    severity = _severity(hunks)
    verb = "added" if found.kind == ADD_ADD else "changed"
    hint = f"both {verb} {_places(hunks, inside)}"
    if severity == MEDIUM:
        hint += " and differ only in white space or formatting"
    advice = content_advice(severity, sum(len(hunk.ours) for hunk in hunks))
    return replace(found, severity=severity, hint=hint, advice=advice, hunks=hunks, inside=inside)


def _places(hunks: tuple[Hunk, ...], inside: tuple[str, ...]) -> str:
    names = list(dict.fromkeys(name for name in inside if name))
    if not names:
        return "1 place" if len(hunks) == 1 else f"{len(hunks)} places"
    shown = ", ".join(f"`{name}`" for name in names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def content_advice(severity: str, mine: int) -> str:
    """What to do when both changed the same lines; `mine` is how many of them are one's own."""
    if severity == MEDIUM:
        return "take theirs there, no words are lost"
    if mine > FEW_LINES:
        return "edit the file and resolve it by hand"
    if not mine:
        return "take theirs there, or remove those lines again by hand"
    return f"take theirs there and re-apply your {'1 line' if mine == 1 else f'{mine} lines'}"


def _merge_modes(base: Entry | None, ours: Entry, theirs: Entry) -> str | None:
    if ours.mode == theirs.mode:
        return ours.mode
    if base and ours.mode == base.mode:
        return theirs.mode
    if base and theirs.mode == base.mode:
        return ours.mode
    return None


def _severity(hunks: tuple[Hunk, ...]) -> str:
    return MEDIUM if all(only_formatting_differs(hunk.ours, hunk.theirs) for hunk in hunks) else HIGH


def _deleted(*, by_them: bool) -> tuple[str, str]:
    if by_them:
        return "they deleted the file that you changed", "'theirs' lets it go, 'ours' brings it back"
    return "you deleted the file that they changed", "'ours' deletes their work, 'theirs' keeps the file"
