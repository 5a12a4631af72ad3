"""Places of comments: the lines of a patchset that they are about, and where these lines stand in the current one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from changesets.carrying import carried
from changesets.models import Changeset, DraftComment, Edit, Patchset, Place, Thread
from gitslice.common.errors import InvalidRequest
from gitslice.objects.services import read_blobs
from gitslice_core.diff import Change, diff_lines, is_binary, split_lines
from slices.diffs import MAX_FILE_BYTES

MAX_LINES = 500  # of one comment
MAX_COMPARED_BYTES = 8 << 20  # that are read to follow lines; what is beyond counts as changed
LAST_LINE = 2**31 - 1  # that the column holds
OLD, NEW = Place.Side.OLD, Place.Side.NEW


@dataclass(frozen=True)
class Spot:
    """Lines that somebody wants to say something about (`line` None: the file)."""

    path: str
    line: int | None = None
    start: int | None = None  # the first of several lines, of which `line` is the last
    side: str = NEW


@dataclass(frozen=True)
class Quoted:
    """A spot that is there: the content that it is in, and its lines."""

    spot: Spot
    digest: bytes | None
    quote: str


@dataclass(frozen=True)
class Placed:
    """Where a thread stands in a patchset: `path` None: not there any more; without lines it is about the file."""

    path: str | None
    start: int | None = None
    line: int | None = None

    @property
    def outdated(self) -> bool:
        return self.path is None


def quoted(changeset: Changeset, patchset: Patchset, spot: Spot) -> Quoted:
    """Check a spot against the patchset, and read its lines. Raises InvalidRequest."""
    edit = _edits(patchset, [spot.path]).get(spot.path)
    if edit is None:
        raise InvalidRequest(f"{spot.path} is not part of {changeset}")
    if spot.side not in Place.Side.values:
        raise InvalidRequest(f"side is one of {', '.join(Place.Side.values)}")
    if spot.line is None:
        if spot.start is not None:
            raise InvalidRequest("start needs line, the last of the lines")
        return Quoted(spot, _digest(edit, spot.side), "")
    start = spot.line if spot.start is None else spot.start
    if not 1 <= start <= spot.line <= LAST_LINE:
        raise InvalidRequest(f"lines are numbers from 1 to {LAST_LINE}, the first before the last")
    if spot.line - start >= MAX_LINES:
        raise InvalidRequest(f"a comment is about at most {MAX_LINES} lines")
    digest = _digest(edit, spot.side)
    return Quoted(
        Spot(spot.path, spot.line, start, spot.side), digest, _quote(changeset, edit, spot, start, digest)
    )


def placed(changeset: Changeset, places: Sequence[Thread | DraftComment]) -> dict[int | UUID, Placed]:
    """Where threads and drafts, by their id, stand in the current patchset. Reads contents only where they differ from
    those that were spoken of; one question for all."""
    with_path = [place for place in places if place.path]
    if not with_path:
        return {}
    edits = _edits(changeset.current, {place.path for place in with_path})
    pairs: list[tuple[Pair, int]] = []
    for place in with_path:
        edit = edits.get(place.path)
        pair = _pair(place, edit)
        if edit is not None and pair is not None:
            pairs.append((pair, (edit.base_size if place.side == OLD else edit.size) or 0))
    changes = _changes(changeset.organization_id, pairs)
    return {place.pk: _place(place, edits.get(place.path), changes) for place in with_path}


Pair = tuple[bytes, bytes]


def _pair(place: Thread | DraftComment, edit: Edit | None) -> Pair | None:
    """The contents to compare to follow the lines; None if it is still the same content, or there is nothing to follow."""
    now = _digest(edit, place.side) if edit else None
    if place.line is None or place.digest is None or now is None or bytes(place.digest) == now:
        return None
    return bytes(place.digest), now


def _place(
    place: Thread | DraftComment, edit: Edit | None, changes: dict[Pair, list[Change] | None]
) -> Placed:
    if edit is None or (place.line is not None and _digest(edit, place.side) is None):
        return Placed(None)
    if place.line is None or place.start is None:
        return Placed(edit.path)
    if place.digest is None and place.patchset_id != edit.patchset_id:
        return Placed(None)  # its content was too large to be followed
    pair = _pair(place, edit)
    if pair is None:
        return Placed(edit.path, place.start, place.line)
    between = changes.get(pair)
    lines = carried(between, place.start, place.line) if between is not None else None
    return Placed(edit.path, *lines) if lines else Placed(None)


def _changes(organization_id: int, pairs: Iterable[tuple[Pair, int]]) -> dict[Pair, list[Change] | None]:
    """What changed between the contents of each pair, the newer of which has so many bytes. Left out is what is too large;
    None: no text."""
    left, compared = MAX_COMPARED_BYTES, []
    for pair, size in dict(pairs).items():
        if size <= min(MAX_FILE_BYTES, left):
            left -= size
            compared.append(pair)
    digests = {digest for pair in compared for digest in pair}
    contents = read_blobs(organization_id, digests) if digests else {}
    found: dict[Pair, list[Change] | None] = {}
    for old, new in compared:
        texts = contents[old], contents[new]
        found[old, new] = None if any(map(is_binary, texts)) else diff_lines(*map(split_lines, texts))
    return found


def _edits(patchset: Patchset, paths: Iterable[str]) -> dict[str, Edit]:
    """Path -> the edit that is at it in the patchset; a path that was renamed leads to its new one, and the old side of
    that is what stood at the old path."""
    wanted = list(paths)
    rows = Edit.objects.filter(Q(path__in=wanted) | Q(renamed_from__in=wanted), patchset=patchset)
    found = {edit.path: edit for edit in rows}
    moved = {edit.renamed_from: edit for edit in found.values() if edit.renamed_from}
    for gone in Edit.objects.filter(patchset=patchset, path__in=moved.keys()) if moved else ():
        edit = moved[gone.path]
        edit.base_mode, edit.base_digest, edit.base_size = gone.base_mode, gone.base_digest, gone.base_size
    return found | moved


def _digest(edit: Edit, side: str) -> bytes | None:
    digest = edit.base_digest if side == OLD else edit.digest
    return bytes(digest) if digest else None


def _quote(changeset: Changeset, edit: Edit, spot: Spot, start: int, digest: bytes | None) -> str:
    size = edit.base_size if spot.side == OLD else edit.size
    assert spot.line is not None
    if digest is None:
        raise InvalidRequest(f"{spot.path} has no {spot.side} side in {changeset}")
    if (size or 0) > MAX_FILE_BYTES:
        raise InvalidRequest(f"{spot.path} is too large for comments on its lines")
    content = read_blobs(changeset.organization_id, [digest])[digest]
    if is_binary(content):
        raise InvalidRequest(f"{spot.path} is no text")
    lines = split_lines(content)
    if spot.line > len(lines):
        raise InvalidRequest(f"{spot.path} has {len(lines)} lines on that side")
    return b"".join(lines[start - 1 : spot.line]).decode(errors="replace").replace("\0", "\ufffd")
