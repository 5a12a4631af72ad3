"""File diffs: what happened to a path between two entries, line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gitslice.objects.services import read_blobs
from gitslice_core.diff import CONTEXT, hunks, is_binary, line_stats
from slices.entries import Entry, entry_body

MAX_FILE_BYTES = 2 << 20  # a larger side is not compared
MAX_TOTAL_BYTES = 64 << 20  # files after this much content are not compared
BATCH_BYTES = 16 << 20

ADD, MODIFY, DELETE, RENAME, CHMOD = "add", "modify", "delete", "rename", "chmod"


class FilePair(NamedTuple):
    """One file of a diff. `old` of a rename is the entry at `renamed_from`."""

    path: str
    op: str
    old: Entry | None
    new: Entry | None
    renamed_from: str | None = None


def file_diffs(
    organization_id: int,
    pairs: Sequence[FilePair],
    *,
    with_hunks: bool = True,
    known: Mapping[bytes, bytes] | None = None,
    context: int = CONTEXT,
) -> list[dict[str, Any]]:
    """File diffs as the API shows them (FileDiff of slices/api/schemas.py), one for each pair, in order. Line counts
    are given without hunks as well. `known` are contents that are not stored, by digest.

    Reads blobs in batches of BATCH_BYTES. A side above MAX_FILE_BYTES, and whatever follows MAX_TOTAL_BYTES in all, is
    `too_large`, without counts or hunks.
    """
    diffs: list[dict[str, Any]] = []
    left = MAX_TOTAL_BYTES
    for batch in batches(pairs):
        size = sum(map(content_bytes, batch))
        if size > left:
            diffs += [_body(pair, too_large=content_bytes(pair) > 0) for pair in batch]
            left = 0
            continue
        left -= size
        contents = contents_of(organization_id, batch, known)
        diffs += [_diff(pair, contents, context if with_hunks else None) for pair in batch]
    return diffs


def contents_of(
    organization_id: int, pairs: Sequence[FilePair], known: Mapping[bytes, bytes] | None = None
) -> dict[bytes, bytes]:
    """The contents that must be read to compare the pairs, by digest."""
    known = known or {}
    wanted = {
        entry.digest for pair in pairs if content_bytes(pair) for entry in (pair.old, pair.new) if entry
    }
    stored = wanted - known.keys()
    found = read_blobs(organization_id, stored) if stored else {}
    return found | {digest: known[digest] for digest in wanted & known.keys()}


def op_between(old: Entry | None, new: Entry | None) -> str:
    """The op that makes `new` of `old`."""
    if old is None:
        return ADD
    if new is None:
        return DELETE
    return CHMOD if old.digest == new.digest else MODIFY


def with_renames(pairs: Sequence[FilePair]) -> list[FilePair]:
    """Join a deleted file and an added one with the same content, when there is one of each, into a rename."""
    gone: dict[bytes, list[FilePair]] = {}
    added: dict[bytes, list[FilePair]] = {}
    for pair in pairs:
        if pair.op == DELETE and pair.old and pair.old.size:
            gone.setdefault(pair.old.digest, []).append(pair)
        elif pair.op == ADD and pair.new and pair.new.size:
            added.setdefault(pair.new.digest, []).append(pair)
    moves = {
        added[digest][0].path: source[0]
        for digest, source in gone.items()
        if len(source) == 1 and len(added.get(digest, ())) == 1
    }
    moved_away = {source.path for source in moves.values()}
    return [
        pair._replace(op=RENAME, old=moves[pair.path].old, renamed_from=moves[pair.path].path)
        if pair.path in moves
        else pair
        for pair in pairs
        if pair.path not in moved_away
    ]


def batches(pairs: Sequence[FilePair]) -> Iterator[list[FilePair]]:
    """The pairs in runs of at most BATCH_BYTES of content, or of one pair."""
    batch: list[FilePair] = []
    size = 0
    for pair in pairs:
        if batch and size + content_bytes(pair) > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(pair)
        size += content_bytes(pair)
    if batch:
        yield batch


def content_bytes(pair: FilePair) -> int:
    """Bytes to read for the pair; 0 where nothing is compared."""
    if same_content(pair) or is_too_large(pair):
        return 0
    return sum(entry.size for entry in (pair.old, pair.new) if entry)


def same_content(pair: FilePair) -> bool:
    """Does only the mode or the path differ?"""
    return pair.old is not None and pair.new is not None and pair.old.digest == pair.new.digest


def is_too_large(pair: FilePair) -> bool:
    """Is a side too large to be compared?"""
    return any(entry.size > MAX_FILE_BYTES for entry in (pair.old, pair.new) if entry)


def _diff(pair: FilePair, contents: Mapping[bytes, bytes], context: int | None) -> dict[str, Any]:
    if same_content(pair):
        return _body(pair)
    if is_too_large(pair):
        return _body(pair, too_large=True)
    old, new = (contents.get(entry.digest, b"") if entry else b"" for entry in (pair.old, pair.new))
    if is_binary(old) or is_binary(new):
        return _body(pair, binary=True)
    if context is None:
        return _body(pair, stats=line_stats(old, new))
    found = hunks(old, new, context)
    lines = [line[:1] for hunk in found for line in hunk.lines]
    body = _body(pair, stats=(lines.count(b"+"), lines.count(b"-")))
    body["hunks"] = [
        {
            "old_start": hunk.old_start,
            "old_count": hunk.old_count,
            "new_start": hunk.new_start,
            "new_count": hunk.new_count,
            "lines": hunk.texts(),
        }
        for hunk in found
    ]
    return body


def _body(
    pair: FilePair, *, binary: bool = False, too_large: bool = False, stats: tuple[int, int] = (0, 0)
) -> dict[str, Any]:
    return {
        "path": pair.path,
        "op": pair.op,
        "renamed_from": pair.renamed_from,
        "old": entry_body(pair.old),
        "new": entry_body(pair.new),
        "binary": binary,
        "too_large": too_large,
        "additions": stats[0],
        "deletions": stats[1],
        "hunks": [],
    }
