"""Commits as the API and pages show them, to a reader of one slice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from gitslice_core.diff import split_lines
from slices.blame import Blame, Source
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


def blame_sources(slice: Slice, blame: Blame, reader: User | AnonymousUser) -> dict[str, dict[str, Any]]:
    """Commit id -> its row, with the path that the file had then and the version of the file before, newest first."""
    sources: dict[str, Source] = {str(source.commit): source for source in blame.sources}
    ordered = sorted(sources.values(), key=lambda source: -source.commit.seq)
    rows = commit_rows(slice, [source.commit for source in ordered], reader)
    return {
        row["commit"]: row | {"path": source.path, "before": _before(source)}
        for row, source in zip(rows, ordered, strict=True)
    }


def blame_body(slice: Slice, blame: Blame, reader: User | AnonymousUser) -> dict[str, Any]:
    """The lines of a file, each with who changed it last; and the commits that they came with, newest first."""
    rows = blame_sources(slice, blame, reader)
    texts = split_lines(blame.content)
    return {
        "complete": blame.complete,
        "lines": [
            {
                "number": number,
                "text": text.removesuffix(b"\n").decode(errors="replace"),
                **{key: rows[str(source.commit)][key] for key in ("commit", "author", "time", "changeset")},
            }
            for number, (text, source) in enumerate(zip(texts, blame.sources, strict=True), 1)
        ],
        "commits": list(rows.values()),
    }


def _before(source: Source) -> dict[str, str] | None:
    return {"commit": str(source.before[0]), "path": source.before[1]} if source.before else None
