"""Who last changed each line of a file. Cost: what has happened to this file, whatever the size of the tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection

from gitslice.objects.services import read_blobs
from gitslice_core.blame import Walk
from gitslice_core.diff import is_binary
from slices.blobs import standing_entries
from slices.entries import SYMLINK, Entry, entry_of
from slices.errors import FileTooLarge, NotText
from slices.history import SHOWN
from slices.models import Commit, PathVersion, Slice
from slices.patterns import patterns_of

MAX_FILE_BYTES = 1 << 20
MAX_READ_BYTES = 256 << 20  # of older contents; what came before these is not told apart
BATCH_BYTES = 8 << 20
BATCH = 64  # versions that are read together

VERSIONS = """
SELECT seq, op, new_mode, new_digest, new_size, renamed_from FROM slices_pathversion
 WHERE organization_id = %s AND path = %s COLLATE "C" AND seq < %s AND {reached}
 ORDER BY seq DESC LIMIT %s
"""


class Version(NamedTuple):
    """What the file was after the commit `seq`, and the path that it had."""

    seq: int
    path: str
    entry: Entry


class Source(NamedTuple):
    """Where a line came from: the commit, the path at that time, and the version of the file before, if there is one."""

    commit: Commit
    path: str
    before: tuple[Commit, str] | None


@dataclass(frozen=True)
class Blame:
    """`sources` has one for each line of `content`. Unless it is `complete`, lines of the oldest source may have come
    before it: older contents were too many, or too large."""

    content: bytes
    entry: Entry
    sources: list[Source]
    complete: bool


def blame(slice: Slice, commit: Commit | None, path: str) -> Blame:
    """The lines of the file at the commit. Renames that the history knows of are followed as far as the slice covers
    the older path. Raises PathNotFound, NotText, FileTooLarge."""
    entry = standing_entries(slice, commit, [path])[path]
    assert commit is not None
    content = _text(slice, path, entry)
    tracing = _Tracing(content)
    tracing.follow(_read(slice, _versions(slice, commit, path)))
    return Blame(content, entry, _sources(slice, tracing), tracing.complete)


def _text(slice: Slice, path: str, entry: Entry) -> bytes:
    if entry.mode == SYMLINK:
        raise NotText(f"{path} is a symbolic link", path=path)
    if entry.size > MAX_FILE_BYTES:
        raise FileTooLarge(
            f"{path} has {entry.size:,} bytes; lines are told of files of up to {MAX_FILE_BYTES:,}",
            path=path,
            size=entry.size,
            limit=MAX_FILE_BYTES,
        )
    content = read_blobs(slice.organization_id, {entry.digest})[entry.digest]
    if is_binary(content):
        raise NotText(f"{path} is a binary file", path=path)
    return content


class _Tracing:
    """Walks through the versions until every line has one: `found` has its place in `walked`."""

    def __init__(self, content: bytes) -> None:
        self._walk = Walk(content)
        self.found = [0] * self._walk.left
        self.walked: list[Version] = []
        self.before: dict[int, Version] = {}
        self.complete = True

    def follow(self, versions: Iterable[tuple[Version, bytes | None]]) -> None:
        for version, content in versions:
            if content is None:
                self.complete = False
                break
            if self.walked:
                self.before[len(self.walked) - 1] = version
                self._give(self._walk.older(b"" if is_binary(content) else content))
            if not self._walk.left:
                return
            self.walked.append(version)
        self._give(self._walk.rest())

    def _give(self, lines: list[int]) -> None:
        for line in lines:
            self.found[line] = len(self.walked) - 1


def _read(slice: Slice, versions: Iterator[Version]) -> Iterator[tuple[Version, bytes | None]]:
    """The versions with their contents; None for the first that is not read any more. Versions that only changed the mode
    are passed over: the lines are those of the version before."""
    left = MAX_READ_BYTES
    for batch in _batches(_changed(versions)):
        left -= sum(version.entry.size for version in batch)
        if left < 0 or batch[0].entry.size > BATCH_BYTES:
            yield batch[0], None
            return
        contents = read_blobs(slice.organization_id, {version.entry.digest for version in batch})
        for version in batch:
            yield version, contents[version.entry.digest]


def _changed(versions: Iterator[Version]) -> Iterator[Version]:
    """Of neighbours with the same content only the oldest."""
    held = None
    for version in versions:
        if held is not None and held.entry.digest != version.entry.digest:
            yield held
        held = version
    if held is not None:
        yield held


def _batches(versions: Iterator[Version]) -> Iterator[list[Version]]:
    batch: list[Version] = []
    size = 0
    for version in versions:
        if batch and (len(batch) == BATCH or size + version.entry.size > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(version)
        size += version.entry.size
    if batch:
        yield batch


def _versions(slice: Slice, commit: Commit, path: str) -> Iterator[Version]:
    """The file's versions up to the commit, newest first, back to where it began: it was added, or was no file before."""
    patterns = patterns_of(slice)
    before = commit.seq + 1
    while True:
        rows = _rows(slice, commit, path, before)
        for seq, op, entry, renamed_from in rows:
            if entry is None or entry.mode == SYMLINK:
                return
            yield Version(seq, path, entry)
            before = seq
            if renamed_from is not None and patterns.covers(renamed_from):
                path = renamed_from
                break
            if op in (PathVersion.Op.ADD, PathVersion.Op.RENAME):
                return
        else:
            if len(rows) < BATCH:
                return


def _rows(
    slice: Slice, commit: Commit, path: str, before: int
) -> list[tuple[int, str, Entry | None, str | None]]:
    """Up to BATCH versions of the path with smaller seqs than `before`, newest first."""
    reached = commit.moment.reached("seq")
    with connection.cursor() as cursor:
        cursor.execute(VERSIONS.format(reached=reached), [slice.organization_id, path, before, BATCH])
        return [(seq, op, entry_of(*entry), renamed) for seq, op, *entry, renamed in cursor]


def _sources(slice: Slice, tracing: _Tracing) -> list[Source]:
    used = set(tracing.found)
    seqs = {tracing.walked[at].seq for at in used} | {
        tracing.before[at].seq for at in used & tracing.before.keys()
    }
    found = Commit.objects.filter(organization=slice.organization_id, seq__in=seqs).select_related(*SHOWN)
    commits = {commit.seq: commit for commit in found}
    sources = {}
    for at in used:
        version, before = tracing.walked[at], tracing.before.get(at)
        older = (commits[before.seq], before.path) if before else None
        sources[at] = Source(commits[version.seq], version.path, older)
    return [sources[at] for at in tracing.found]
