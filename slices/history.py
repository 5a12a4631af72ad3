"""The log of a slice: its head, its commits by name, and lists of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import User
from accounts.services import role_in
from gitslice.common.rows import Columns, fetch_row
from slices.digits import digits_of, only_one
from slices.errors import CommitNotFound
from slices.global_state.naming import find_global, left_out
from slices.locks import stable_head
from slices.models import ROOT, Commit, GlobalCommit, Slice, SliceLog
from slices.patterns import patterns_of
from slices.renames import Former

__all__ = [
    "CommitNotFound",
    "LogFilter",
    "base_commit",
    "head_of",
    "landed_commit",
    "log",
    "resolve_commit",
    "settled_commit",
    "standing_at",
]

Reader = User | AnonymousUser

HEAD = "HEAD"
SHOWN = ("author", "parent", "slice__organization")  # what a reader wants to know of a commit
COMMIT = Columns(Commit, "commit")
HEAD_OF = f"SELECT {COMMIT.sql} FROM slices_slice slice JOIN slices_commit commit ON commit.id = slice.head_id WHERE slice.id = %s"


@dataclass(frozen=True)
class LogFilter:
    """Which commits of a log are wanted; `path` is a file or a folder, `former` are paths that it had before."""

    since: datetime | None = None
    until: datetime | None = None
    author: str | None = None
    grep: str | None = None
    path: str | None = None
    former: tuple[Former, ...] = ()


def head_of(slice: Slice) -> Commit | None:
    """The newest commit of the slice's log, as the database has it now; None while nothing has landed."""
    if slice.is_root:
        return stable_head(slice.organization_id)
    return (
        Commit.objects.select_related(*SHOWN)
        .filter(pk__in=Slice.objects.filter(pk=slice.pk).values("head"))
        .first()
    )


def base_commit(slice: Slice, text: str, reader: Reader) -> Commit | None:
    """As `resolve_commit`, for who only builds on the commit: what a reader would be shown with it is not loaded."""
    if text.upper() != HEAD or slice.is_root:
        return resolve_commit(slice, text, reader)
    row = fetch_row(HEAD_OF, [slice.pk])
    return COMMIT.take(iter(row)) if row else None


def resolve_commit(slice: Slice, text: str, reader: Reader) -> Commit | None:
    """The commit of the slice's log that `text` names: `HEAD`, 6 to 64 first digits of its id, or for members a global
    commit or tag, which stand for the newest commit in it; None while nothing had landed. Raises CommitNotFound,
    AmbiguousCommit."""
    if text.upper() == HEAD:
        return head_of(slice)
    found = _landed(slice, text)
    if found is not None:
        return found
    member = isinstance(reader, User) and role_in(reader, slice.organization) is not None
    merged = find_global(slice.organization_id, text) if member else None
    if merged is None:
        raise CommitNotFound(
            f"{slice} has no commit {text[:80]!r}",
            hint="name a commit by HEAD, 6 to 64 hexadecimal digits, or a tag of the global state",
        )
    return at_global(slice, merged)


def landed_commit(slice: Slice, text: str) -> Commit:
    """As `resolve_commit`, but one commit that landed, and no global commit. Raises CommitNotFound, AmbiguousCommit."""
    found = head_of(slice) if text.upper() == HEAD else _landed(slice, text)
    if found is None:
        hint = "name one commit that landed; 'gs global revert' undoes a global commit"
        raise CommitNotFound(f"{slice} has no landed commit {text[:80]!r}", hint=hint)
    return found


def _landed(slice: Slice, text: str) -> Commit | None:
    digits = digits_of(text)
    return only_one(commits_of(slice), digits) if digits else None


def at_global(slice: Slice, merged: GlobalCommit) -> Commit | None:
    """The newest commit of the slice's log that is in the global state; it knows what that leaves out."""
    missing = left_out(merged)
    commits = commits_of(slice).filter(seq__lte=merged.last_seq).exclude(seq__in=missing)
    commit = commits.order_by("-seq").first()
    if commit is not None:
        commit.left_out = tuple(seq for seq in missing if seq < commit.seq)
        commit.by_way_of = merged if commit.left_out else None
    return commit


def settled_commit(slice: Slice, text: str, reader: Reader) -> Commit | None:
    """As `resolve_commit`, and no commit with a smaller seq can still appear in the slice.

    Only root has to wait for that: in other slices seqs are allocated under the slice's own lock, and HEAD waits.
    """
    commit = resolve_commit(slice, text, reader)
    if slice.is_root and text.upper() != HEAD:
        head_of(slice)
    return commit


def standing_at(slice: Slice, text: str, reader: Reader) -> Commit | None:
    """As `settled_commit`; a commit that the reader sees through another slice of the organization names the state in
    which it found this one: the newest commit of this slice's log up to it, None if there was none yet."""
    try:
        return settled_commit(slice, text, reader)
    except CommitNotFound:
        landed = _seen_elsewhere(slice, text, reader)
        if landed is None:
            raise
    stable_head(slice.organization_id)  # nothing that came earlier is still on its way
    return commits_of(slice).filter(seq__lte=landed.seq).order_by("-seq").first()


def _seen_elsewhere(slice: Slice, text: str, reader: Reader) -> Commit | None:
    """The one commit that `text` names in other slices that the reader sees. Raises AmbiguousCommit."""
    digits = digits_of(text)
    if digits is None:
        return None
    visible = Slice.objects.visible_to(reader).filter(organization=slice.organization_id)
    commits = Commit.objects.filter(organization=slice.organization_id)
    if not visible.filter(name=ROOT).exists():
        commits = commits.filter(Exists(SliceLog.objects.filter(slice__in=visible, seq=OuterRef("seq"))))
    return only_one(commits, digits)


def commits_of(slice: Slice) -> QuerySet[Commit]:
    """All commits of the slice's log."""
    commits = Commit.objects.filter(organization=slice.organization_id).select_related(*SHOWN)
    if slice.is_root:
        return commits
    return commits.filter(Exists(SliceLog.objects.filter(slice=slice, seq=OuterRef("seq"))))


def log(slice: Slice, wanted: LogFilter, *, before: int | None, limit: int) -> list[Commit]:
    """Up to `limit` commits of the slice's log, newest first, with `seq` below `before`; author, parent and authoring
    slice loaded."""
    commits = _logged(slice, before).select_related(*SHOWN)
    return list(commits.filter(_condition(wanted), *_touching(slice, wanted)).order_by("-seq")[:limit])


def _logged(slice: Slice, before: int | None) -> QuerySet[Commit]:
    """As `commits_of`, but in a form that PostgreSQL reads backwards from the log's own index."""
    commits = Commit.objects.filter(organization=slice.organization_id)
    if not slice.is_root:
        commits = commits.filter(seq__in=SliceLog.objects.filter(slice=slice).values("seq"))
    return commits if before is None else commits.filter(seq__lt=before)


def _condition(wanted: LogFilter) -> Q:
    condition = Q()
    if wanted.since is not None:
        condition &= Q(landed_at__gte=wanted.since)
    if wanted.until is not None:
        condition &= Q(landed_at__lte=wanted.until)
    if wanted.author:
        condition &= Q(author__username=wanted.author)
    if wanted.grep:
        condition &= Q(message__icontains=wanted.grep)
    return condition


def _touching(slice: Slice, wanted: LogFilter) -> list[Q]:
    """Commits that changed the file, or something below the folder, that the slice covers."""
    path = wanted.path
    if not path:
        return []
    former = ' OR (version.path = %s COLLATE "C" AND version.seq < %s)' * len(wanted.former)
    covered, parameters = patterns_of(slice).sql("version.path")
    versions = RawSQL(
        "SELECT version.seq FROM slices_pathversion version WHERE version.organization_id = %s"
        ' AND (version.path = %s COLLATE "C"'
        ' OR (version.path >= %s COLLATE "C" AND version.path < %s COLLATE "C")'
        f"{former}) AND {covered}",
        [
            *(slice.organization_id, path, f"{path}/", f"{path}0"),
            *(value for before in wanted.former for value in before),
            *parameters,
        ],
    )
    return [Q(seq__in=versions)]
