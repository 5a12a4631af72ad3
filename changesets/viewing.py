"""Which files of a changeset somebody has viewed: remembered by what changed in them, so that a later patchset that
changes a file takes the mark away, and one that does not keeps it."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from changesets.models import Changeset, FileView, Patchset
from changesets.reading import changeset_pairs
from gitslice.common.errors import NotFound
from slices.diff_facts import diff_facts, seen_digest
from slices.diffs import FilePair
from slices.errors import PathNotFound


def mark_viewed(
    *, actor: User, changeset: Changeset, path: str, viewed: bool, patchset: int | None = None
) -> None:
    """Note that the actor has, or has not, viewed the file as the patchset (default: the current one) leaves it. Anybody who may read the changeset
    may; it is of no concern to anybody else, so the audit trail does not have it. Raises PathNotFound,
    NotFound."""
    marks = FileView.objects.filter(user=actor, changeset=changeset, path=path)
    pair = next((pair for pair in changeset_pairs(_numbered(changeset, patchset)) if pair.path == path), None)
    if pair is None:
        raise PathNotFound(f"{path} is not part of {changeset}")
    if not viewed:
        marks.delete()
        return
    facts = diff_facts(changeset.organization_id, [pair])[path]
    FileView.objects.update_or_create(
        user=actor, changeset=changeset, path=path, defaults={"digest": seen_digest(pair, facts)}
    )


def viewed_paths(
    user: User | AnonymousUser, changeset: Changeset, pairs: Sequence[FilePair]
) -> frozenset[str]:
    """Those of the pairs that the user has viewed as they are now."""
    if not user.is_authenticated:
        return frozenset()
    marks = dict(FileView.objects.filter(user=user, changeset=changeset).values_list("path", "digest"))
    marked = [pair for pair in pairs if pair.path in marks]
    facts = diff_facts(changeset.organization_id, marked)
    return frozenset(
        pair.path
        for pair in marked
        if pair.path in facts and seen_digest(pair, facts[pair.path]) == bytes(marks[pair.path])
    )


def _numbered(changeset: Changeset, number: int | None) -> Patchset:
    if number is None or number == changeset.current.number:
        return changeset.current
    patchset = changeset.patchsets.filter(number=number).first()
    if patchset is None:
        raise NotFound(f"{changeset} has no patchset {number}")
    return patchset
