"""A conflict place by place: ours, theirs or both for each hunk of it, and what that makes of the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.conf import settings

from changesets.errors import Unresolvable
from gitslice.objects.services import read_blobs
from gitslice_core.diff import diff_lines, split_lines
from gitslice_core.merge import Conflict as Hunk
from gitslice_core.merge import Lines, Merge, MergeTooLarge, mark, merge
from slices.entries import SYMLINK, Entry

OURS, THEIRS, BOTH, EDIT = "ours", "theirs", "both", "edit"
TAKEN = (OURS, THEIRS, BOTH)  # what needs nobody to type
PICKS = (*TAKEN, EDIT)


def merged_sides(
    organization_id: int,
    base: Entry | None,
    ours: Entry | None,
    theirs: Entry | None,
    most: int | None = None,
) -> Merge | None:
    """The merge of both sides, of which none may be larger than `most` bytes; None where there is no text in lines to
    work on. A side that was deleted leaves the other as it is."""
    most = settings.GITSLICE_MAX_MERGE_BYTES if most is None else most
    entries = [entry for entry in (base, ours, theirs) if entry]
    if any(entry.mode == SYMLINK or entry.size > most for entry in entries):
        return None
    contents = read_blobs(organization_id, {entry.digest for entry in entries})
    if ours is None or theirs is None:
        left = ours or theirs
        base = ours = theirs = left
    old, mine, other = (contents[entry.digest] if entry else b"" for entry in (base, ours, theirs))
    try:
        result = merge(old, mine, other, most)
    except MergeTooLarge:
        return None
    return None if result.binary or any(b"\0" in content for content in contents.values()) else result


def picked(result: Merge, picks: Mapping[int, str]) -> Merge:
    """The merge with the hunks settled for which a side is taken, by their number from 0."""
    pieces: list[Lines | Hunk] = []
    number = 0
    for piece in result.pieces:
        if isinstance(piece, Hunk):
            pieces.append(_taken(piece, picks.get(number, EDIT)))
            number += 1
        else:
            pieces.append(piece)
    return result._replace(pieces=tuple(pieces))


def picked_content(path: str, result: Merge | None, picks: Sequence[str]) -> bytes:
    """The file with a side taken at every place. Raises Unresolvable."""
    if result is None:
        raise Unresolvable(f"{path} is no text that is merged in lines", path=path)
    check_picks(path, len(result.conflicts), picks)
    settled = picked(result, dict(enumerate(picks)))
    if settled.conflicts:
        raise Unresolvable(f"{path}: give the content, or take a side at every place", path=path)
    return mark(settled)


def check_picks(path: str, places: int, picks: Sequence[str]) -> None:
    """Raises Unresolvable unless each place has its choice."""
    if len(picks) != places:
        raise Unresolvable(
            f"{path} has {places} places to decide, not {len(picks)}", hint="look at it again", path=path
        )


def chosen_at(result: Merge, picks: Mapping[int, str], content: bytes) -> list[str]:
    """What the content has at each place: the side that was taken, or `edit` where it says something else."""
    expected: list[bytes] = []
    spans = []
    number = 0
    for piece in result.pieces:
        if isinstance(piece, Hunk):
            pick = picks.get(number, EDIT)
            taken = _taken(piece, pick)
            lines = piece.base if isinstance(taken, Hunk) else taken
            spans.append((len(expected), len(expected) + len(lines), pick))
            expected += lines
            number += 1
        else:
            expected += piece
    changes = diff_lines(expected, split_lines(content))

    def touched(start: int, end: int) -> bool:
        return any(
            change.old_start <= start <= change.old_end if start == end
            else (change.old_start < end and change.old_end > start) or start < change.old_start < end
            for change in changes
        )  # fmt: skip

    return [EDIT if pick == EDIT or touched(start, end) else pick for start, end, pick in spans]


def _taken(hunk: Hunk, pick: str) -> Lines | Hunk:
    """The lines of the side; for both a line between them that has no end gets one."""
    if pick == BOTH:
        ours = list(hunk.ours)
        if ours and hunk.theirs and not ours[-1].endswith(b"\n"):
            ours[-1] += hunk.ending
        return (*ours, *hunk.theirs)
    return {OURS: hunk.ours, THEIRS: hunk.theirs}.get(pick, hunk)
