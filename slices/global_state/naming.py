"""Names of global commits: a tag, `g12`, `global` for the newest, or 6 and more first digits of the id."""

from __future__ import annotations

import re

from gitslice.common.rows import fetch_rows
from slices.digits import digits_of, only_one
from slices.errors import CommitNotFound
from slices.models import GlobalCommit

NEWEST = "global"
NUMBERED = re.compile(r"g([1-9][0-9]{0,17})")
TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}")
RESERVED = re.compile(r"head|global|g[0-9]+|cl-[0-9]+")  # in small letters

LEFT_OUT = """
SELECT done.seq FROM slices_commit done
 WHERE done.organization_id = %s AND done.seq > %s AND done.seq < %s AND NOT EXISTS (
    SELECT FROM slices_mergedcommit merged WHERE merged.organization_id = done.organization_id
       AND merged.seq = done.seq AND merged.number <= %s)
 ORDER BY done.seq
"""


def may_name_a_tag(text: str) -> bool:
    """Only what names nothing else, now or later."""
    taken = RESERVED.fullmatch(text.lower()) or digits_of(text)
    return TAG.fullmatch(text) is not None and ".." not in text and not taken


def find_global(organization_id: int, text: str) -> GlobalCommit | None:
    """The global commit that `text` names, if there is one. Raises AmbiguousCommit."""
    commits = GlobalCommit.objects.filter(organization=organization_id).select_related("author", "parent")
    numbered = NUMBERED.fullmatch(text)
    if numbered:
        return commits.filter(number=int(numbered[1])).first()
    if text == NEWEST:
        return commits.order_by("-number").first()
    digits = digits_of(text)
    if digits:
        return only_one(commits, digits)
    return commits.filter(tags__name=text).first() if TAG.fullmatch(text) else None


def existing_global(organization_id: int, text: str) -> GlobalCommit:
    """As `find_global`, or CommitNotFound."""
    found = find_global(organization_id, text)
    if found is None:
        raise CommitNotFound(f"there is no global commit {text[:80]!r}", hint="run 'gs global log'")
    return found


def left_out(merged: GlobalCommit) -> tuple[int, ...]:
    """The seqs of commits that landed before the last one in the global state, and are not in it."""
    if merged.floor >= merged.last_seq:
        return ()
    rows = fetch_rows(LEFT_OUT, [merged.organization_id, merged.floor, merged.last_seq, merged.number])
    return tuple(seq for (seq,) in rows)
