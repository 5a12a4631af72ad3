"""Checks that what an organization's rows say of each other is true, from the first commit to the heads. Reads only.

Commits: every digest is that of its content, and the parent is an older commit of the authoring slice's log.
Path versions: each begins with the entry that the version before left; the newest is the path head.
Definitions: digests and chain. Slice logs: every commit that touches a covered path is there, and the newest is the head.
Global commits: chain, digests, and the trees that the commits in them give.
Audit trail: places and digests.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db import connection, transaction

from accounts.models import Organization
from accounts.trail.verifying import audit_findings
from slices.commits import Change, CommitFacts, commit_digest
from slices.definitions import definition_digest
from slices.entries import Entry
from slices.global_state.recomputing import global_findings
from slices.models import Commit, Definition, PathVersion, Slice, SliceLog
from slices.patterns import Patterns, patterns_of

PREFIXES, TREES, SEARCH = "prefixes", "trees", "search"  # kinds of derived data
BATCH = 2000  # rows held at once

BROKEN_CHAINS = """
SELECT path, seq FROM (
    SELECT path, seq, old_mode, old_digest, lag(new_mode) OVER w AS mode, lag(new_digest) OVER w AS digest
      FROM slices_pathversion WHERE organization_id = %s WINDOW w AS (PARTITION BY path ORDER BY seq)) version
 WHERE (old_mode, old_digest) IS DISTINCT FROM (mode, digest)
"""

WRONG_HEADS = """
SELECT coalesce(head.path, newest.path)
  FROM (SELECT * FROM slices_pathhead WHERE organization_id = %s) head
  FULL JOIN (SELECT DISTINCT ON (path) path, seq, new_mode, new_digest, new_size FROM slices_pathversion
              WHERE organization_id = %s ORDER BY path, seq DESC) newest ON newest.path = head.path
 WHERE (head.seq, head.mode, head.digest, head.size)
       IS DISTINCT FROM (newest.seq, newest.new_mode, newest.new_digest, newest.new_size)
"""

VERSIONS_WITHOUT_COMMIT = """
SELECT DISTINCT version.seq FROM slices_pathversion version
 WHERE version.organization_id = %s AND NOT EXISTS (
    SELECT 1 FROM slices_commit done WHERE done.organization_id = %s AND done.seq = version.seq)
"""

FILES_IN_FILES = """
SELECT file.path, below.path FROM slices_pathhead file CROSS JOIN LATERAL (
    SELECT path FROM slices_pathhead WHERE organization_id = file.organization_id AND mode IS NOT NULL
       AND path > file.path || '/' COLLATE "C" AND path < file.path || '0' COLLATE "C" LIMIT 1) below
 WHERE file.organization_id = %s AND file.mode IS NOT NULL
"""

WITHOUT_CONTENT = """
SELECT version.path, encode(done.digest, 'hex'), encode(version.new_digest, 'hex'), blob.size
  FROM slices_pathversion version
  LEFT JOIN slices_commit done ON done.organization_id = version.organization_id AND done.seq = version.seq
  LEFT JOIN objects_blob blob ON blob.organization_id = version.organization_id AND blob.digest = version.new_digest
 WHERE version.organization_id = %s AND version.new_digest IS NOT NULL
   AND blob.size IS DISTINCT FROM version.new_size AND NOT EXISTS (
       SELECT FROM objects_redaction gone
        WHERE gone.organization_id = version.organization_id AND gone.digest = version.new_digest)
"""

UNFINISHED_REDACTIONS = """
SELECT encode(gone.digest, 'hex'), CASE WHEN blob.id IS NULL THEN 'is not finished: run manage.py redact again'
                                        ELSE 'its content is stored again' END
  FROM objects_redaction gone
  LEFT JOIN objects_blob blob ON blob.organization_id = gone.organization_id AND blob.digest = gone.digest
 WHERE gone.organization_id = %s AND (blob.id IS NOT NULL OR gone.purged_at IS NULL)
"""

STALE_TEXTS = """
SELECT head.path FROM slices_searchstate state
  JOIN slices_pathhead head ON head.organization_id = state.organization_id AND head.seq <= state.seq
  LEFT JOIN slices_searchtext text ON text.organization_id = head.organization_id AND text.path = head.path
 WHERE state.organization_id = %s AND head.digest IS DISTINCT FROM text.digest
"""

MISSING_FROM_LOG = """
SELECT DISTINCT version.seq FROM slices_pathversion version
 WHERE version.organization_id = %s AND {covered} AND NOT EXISTS (
    SELECT 1 FROM slices_slicelog log WHERE log.slice_id = %s AND log.seq = version.seq)
"""

LOGGED_WITHOUT_COMMIT = """
SELECT log.seq FROM slices_slicelog log WHERE log.slice_id = %s AND NOT EXISTS (
    SELECT 1 FROM slices_commit done WHERE done.organization_id = %s AND done.seq = log.seq)
"""


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be; `subject` names the commit, path, definition or slice."""

    subject: str
    problem: str
    derived: str | None = None  # the kind of derived data that it is about; None: truth
    facts: dict[str, Any] = field(
        default_factory=dict
    )  # the same for programs: path, commit, digest, pack, offset

    def __str__(self) -> str:
        return f"{self.subject}: {self.problem}"


def check_organization(organization: Organization) -> Iterator[Finding]:
    """All findings, in one snapshot of the database unless the caller is in a transaction already. None is good news."""
    with transaction.atomic():
        if connection.in_atomic_block and not connection.savepoint_ids:
            _execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        _execute("SET LOCAL statement_timeout = 0")
        yield from _check_commits(organization)
        yield from _check_versions(organization)
        for slice in organization.slices.select_related("organization", "definition", "head"):
            yield from _check_definitions(slice)
            if not slice.is_root:
                yield from _check_log(slice)
        for subject, problem in global_findings(organization.pk):
            yield Finding(subject, problem, TREES if "rebuild_trees" in problem else None)
        for subject, problem in audit_findings(organization.pk):
            yield Finding(subject, problem)


def check_commits(
    organization: Organization, after: int, count: int
) -> Iterator[tuple[Commit, list[Finding]]]:
    """Some commits that follow `after` in the order of landing, each with what is wrong with it."""
    commits = Commit.objects.filter(organization=organization, seq__gt=after).order_by("seq")
    for commit in commits.select_related("parent", "slice")[:count]:
        yield commit, list(_commit_findings(commit))


def _check_commits(organization: Organization) -> Iterator[Finding]:
    commits = Commit.objects.filter(organization=organization).order_by("seq")
    for commit in commits.select_related("parent", "slice").iterator(chunk_size=BATCH):
        yield from _commit_findings(commit)


def _commit_findings(commit: Commit) -> Iterator[Finding]:
    name = f"commit {commit}"
    changes = tuple(_changes(commit))
    if len(changes) != commit.file_count:
        yield Finding(name, f"has {len(changes)} path versions, not {commit.file_count}")
    if commit_digest(_facts(commit, changes)) != bytes(commit.digest):
        yield Finding(name, "its content does not have its digest")
    if commit.parent is not None:
        if commit.parent.organization_id != commit.organization_id or commit.parent.seq >= commit.seq:
            yield Finding(name, f"its parent {commit.parent} is not older")
        elif not _logged(commit.slice, commit.parent.seq):
            yield Finding(name, f"its parent {commit.parent} is not in the log of {commit.slice.name}")


def _check_versions(organization: Organization) -> Iterator[Finding]:
    pk = organization.pk
    for path, seq in _rows(BROKEN_CHAINS, [pk]):
        yield Finding(path, f"the version at {seq} does not begin where the one before ended")
    for (path,) in _rows(WRONG_HEADS, [pk, pk]):
        yield Finding(path, "the head is not the newest version")
    for (seq,) in _rows(VERSIONS_WITHOUT_COMMIT, [pk, pk]):
        yield Finding(f"seq {seq}", "path versions without a commit")
    for path, below in _rows(FILES_IN_FILES, [pk]):
        yield Finding(path, f"is a file, and {below} stands below it")


def check_contents(organization: Organization) -> Iterator[Finding]:
    """Whether there is what the path versions name, and the texts that are searched are those of the heads."""
    for path, commit, digest, stored in _rows(WITHOUT_CONTENT, [organization.pk]):
        problem = "no pack holds its content" if stored is None else f"its content has {stored} bytes"
        facts = {"path": path, "commit": commit, "digest": digest}
        yield Finding(path, f"{problem}: blob {digest}, commit {commit}", facts=facts)
    for digest, problem in _rows(UNFINISHED_REDACTIONS, [organization.pk]):
        yield Finding(f"redaction {digest}", problem)
    for (path,) in _rows(STALE_TEXTS, [organization.pk]):
        yield Finding(path, "the text that is searched is not that of the head", SEARCH)


def _check_definitions(slice: Slice) -> Iterator[Finding]:
    before: Definition | None = None
    for definition in slice.definitions.order_by("version"):
        name = f"definition {slice} v{definition.version}"
        parent = bytes(definition.parent_digest) if definition.parent_digest is not None else None
        if definition.version != (before.version + 1 if before else 1):
            yield Finding(name, "a version before it is missing")
        if parent != (bytes(before.digest) if before else None):
            yield Finding(name, "is not chained to the version before")
        if _digest_of(definition, parent) != bytes(definition.digest):
            yield Finding(name, "its content does not have its digest")
        before = definition
    if before is None or slice.definition_id != before.pk:
        yield Finding(f"slice {slice}", "its definition is not the newest version")


def _check_log(slice: Slice) -> Iterator[Finding]:
    name = f"slice {slice}"
    covered, values = patterns_of(slice).sql("version.path")
    for (seq,) in _rows(MISSING_FROM_LOG.format(covered=covered), [slice.organization_id, *values, slice.pk]):
        yield Finding(name, f"the commit at {seq} touches it and is not in its log")
    for (seq,) in _rows(LOGGED_WITHOUT_COMMIT, [slice.pk, slice.organization_id]):
        yield Finding(name, f"its log holds {seq}, which is no commit")
    newest = SliceLog.objects.filter(slice=slice).order_by("-seq").values_list("seq", flat=True).first()
    if newest != (slice.head.seq if slice.head else None):
        yield Finding(name, "its head is not the newest commit of its log")
    if set(slice.prefixes.values_list("prefix", flat=True)) != patterns_of(slice).prefixes():
        yield Finding(name, "its prefixes are not those of its definition", PREFIXES)


def _changes(commit: Commit) -> Iterator[Change]:
    versions = PathVersion.objects.filter(organization_id=commit.organization_id, seq=commit.seq)
    for version in versions.order_by("path").iterator(chunk_size=BATCH):
        old = _entry(version.old_mode, version.old_digest)
        yield Change(
            version.path, version.op, old, _entry(version.new_mode, version.new_digest), version.renamed_from
        )


def _facts(commit: Commit, changes: tuple[Change, ...]) -> CommitFacts:
    return CommitFacts(
        parent=bytes(commit.parent.digest) if commit.parent else None,
        slice_id=commit.slice_id,
        author_id=commit.author_id,
        landed_at=commit.landed_at,
        changeset_number=commit.changeset_number,
        message=commit.message,
        changes=changes,
    )


def _digest_of(definition: Definition, parent: bytes | None) -> bytes:
    return definition_digest(
        parent=parent,
        slice_id=definition.slice_id,
        version=definition.version,
        author_id=definition.author_id,
        created_at=definition.created_at,
        patterns=Patterns(tuple(definition.includes), tuple(definition.excludes)),
    )


def _logged(slice: Slice, seq: int) -> bool:
    return slice.is_root or SliceLog.objects.filter(slice=slice, seq=seq).exists()


def _entry(mode: str | None, digest: Any) -> Entry | None:
    """Sizes follow from digests and are not part of a commit's encoding."""
    return None if mode is None else Entry(mode, bytes(digest), 0)


def _rows(sql: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(sql, parameters)
        while rows := cursor.fetchmany(BATCH):
            yield from rows


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
