"""What a page says of a file's diff before it shows any lines. Derived from contents alone, and remembered by them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from django.core.cache import cache

from gitslice_core.diff import hunks, is_binary, split_lines
from slices.diffs import FilePair, batches, content_bytes, contents_of, is_too_large, same_content
from slices.generated import generated_by_content

MAX_READ_BYTES = 8 << 20  # contents that one request compares; of what follows the facts are found out later
KEPT_SECONDS = 30 * 24 * 3600
VERSION = 1  # of what is cached


class Facts(NamedTuple):
    """`lines`: of the hunks with their context; `length`: of the new text; `changed`: a digest of the removed and
    added lines, wherever they stand, which a rebase over other lines does not alter."""

    changed: bytes
    additions: int = 0
    deletions: int = 0
    lines: int = 0
    length: int = 0
    binary: bool = False
    too_large: bool = False
    generated: bool = False


def diff_facts(
    organization_id: int, pairs: Sequence[FilePair], known: Mapping[bytes, bytes] | None = None
) -> dict[str, Facts]:
    """The facts of each pair by path; without those that would take more than MAX_READ_BYTES to find out. `known` are
    contents that are not stored, by digest."""
    facts = {pair.path: _unread(pair) for pair in pairs if not content_bytes(pair)}
    keys = {pair.path: _key(organization_id, pair) for pair in pairs if pair.path not in facts}
    cached = cache.get_many(keys.values()) if keys else {}
    facts |= {path: Facts(*cached[key]) for path, key in keys.items() if key in cached}
    found = _found(organization_id, [pair for pair in pairs if pair.path not in facts], known)
    if found:
        cache.set_many({keys[path]: tuple(each) for path, each in found.items()}, KEPT_SECONDS)
    return facts | found


def seen_digest(pair: FilePair, facts: Facts) -> bytes:
    """Stands for what a reader sees of the pair: its changed lines, its mode, where it came from."""
    modes = [entry.mode if entry else "-" for entry in (pair.old, pair.new)]
    text = "\0".join([pair.renamed_from or "", *modes])
    return hashlib.sha256(text.encode() + b"\0" + facts.changed).digest()


def _found(
    organization_id: int, pairs: Sequence[FilePair], known: Mapping[bytes, bytes] | None
) -> dict[str, Facts]:
    found: dict[str, Facts] = {}
    for batch in batches(_within(pairs, MAX_READ_BYTES)):
        contents = contents_of(organization_id, batch, known)
        for pair in batch:
            old, new = (contents[entry.digest] if entry else b"" for entry in (pair.old, pair.new))
            found[pair.path] = _compared(pair, old, new)
    return found


def _within(pairs: Sequence[FilePair], most: int) -> list[FilePair]:
    """The first pairs, as far as `most` bytes reach, and one at least."""
    chosen: list[FilePair] = []
    for pair in pairs:
        most -= content_bytes(pair)
        if most < 0 and chosen:
            break
        chosen.append(pair)
    return chosen


def _compared(pair: FilePair, old: bytes, new: bytes) -> Facts:
    if is_binary(old) or is_binary(new):
        return Facts(_digests(pair), binary=True)
    lines = [line for hunk in hunks(old, new) for line in hunk.lines]
    added, gone = (sum(line[:1] == sign for line in lines) for sign in (b"+", b"-"))
    digest = hashlib.sha256(b"".join(line for line in lines if line[:1] != b" ")).digest()
    generated = generated_by_content(pair.path, new or old)
    return Facts(digest, added, gone, len(lines), len(split_lines(new)), generated=generated)


def _unread(pair: FilePair) -> Facts:
    if same_content(pair):
        return Facts(b"")
    return Facts(_digests(pair), too_large=is_too_large(pair))


def _digests(pair: FilePair) -> bytes:
    return b"-".join(entry.digest if entry else b"" for entry in (pair.old, pair.new))


def _key(organization_id: int, pair: FilePair) -> str:
    ending = pair.path.rpartition(".")[2] if "." in pair.path else ""  # by which generated_by_content goes
    named = hashlib.sha256(_digests(pair) + ending.encode()).hexdigest()
    return f"diff:{VERSION}:{organization_id}:{named}"
