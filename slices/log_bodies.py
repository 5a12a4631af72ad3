"""Commits as the API and pages show them, to a reader of one slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from slices.changes import changed_by, count_changed_by
from slices.diffs import FilePair
from slices.entries import entry_body
from slices.models import Commit, Slice
from slices.patterns import patterns_of


def commit_rows(
    slice: Slice, commits: Sequence[Commit], reader: User | AnonymousUser
) -> list[dict[str, Any]]:
    """Rows of the slice's log; wants author, parent and authoring slice loaded. Of an authoring slice that the reader
    may not see, neither the name nor the changeset is shown, nor merged paths that `slice` does not cover."""
    authoring = {commit.slice_id for commit in commits} - {slice.pk}
    visible = {slice.pk}
    if authoring:
        visible |= set(Slice.objects.visible_to(reader).filter(pk__in=authoring).values_list("pk", flat=True))
    patterns = patterns_of(slice)
    return [
        {
            "commit": str(commit),
            "parent": str(commit.parent) if commit.parent else None,
            "author": commit.author.username,
            "time": commit.landed_at.isoformat(),
            "message": commit.message,
            "slice": str(commit.slice) if commit.slice_id in visible else None,
            "changeset": f"cl-{commit.changeset_number}"
            if commit.changeset_number and commit.slice_id in visible
            else None,
            "files": commit.file_count,
            "merged_paths": patterns.covered(commit.merged_paths),
        }
        for commit in commits
    ]


def commit_detail(
    slice: Slice, commit: Commit, reader: User | AnonymousUser, limit: int | None = None
) -> dict[str, Any]:
    """A commit with what it did to the slice: its files (the first `limit`), and how many others it touched."""
    [row] = commit_rows(slice, [commit], reader)
    files = changed_by(slice, commit, limit)
    count = len(files) if limit is None or len(files) < limit else count_changed_by(slice, commit)
    return row | {
        "files": [file_body(pair) for pair in files],
        "file_count": count,
        "hidden_files": commit.file_count - count,
    }


def file_body(pair: FilePair) -> dict[str, Any]:
    return {
        "path": pair.path,
        "op": pair.op,
        "old": entry_body(pair.old),
        "new": entry_body(pair.new),
        "renamed_from": pair.renamed_from,
    }
