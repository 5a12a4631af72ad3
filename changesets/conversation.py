"""What was said about a changeset, read for pages and the API: threads with their comments and places."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from changesets.models import Changeset, Comment, DraftComment, Thread
from changesets.placing import Placed, placed
from changesets.suggesting import suggested


def comments_of(threads: Sequence[Thread]) -> dict[int, list[Comment]]:
    """Thread id -> its comments in order, one question for all."""
    found: dict[int, list[Comment]] = {thread.pk: [] for thread in threads}
    rows = Comment.objects.filter(thread__in=found)
    for comment in rows.select_related("author", "patchset", "applied_in").order_by("pk"):
        assert comment.thread_id is not None
        found[comment.thread_id].append(comment)
    return found


def thread_bodies(changeset: Changeset, threads: Sequence[Thread]) -> list[dict[str, Any]]:
    """Threads as the API shows them."""
    places, comments = placed(changeset, threads), comments_of(threads)
    return [_thread_body(changeset, thread, places.get(thread.pk), comments[thread.pk]) for thread in threads]


def comment_body(changeset: Changeset, comment: Comment) -> dict[str, Any]:
    """One comment as the API shows it. Of a deleted one only its place is left."""
    return {
        "id": comment.pk,
        "changeset": str(changeset),
        "state": changeset.state,
        "author": comment.author.username,
        "patchset": comment.patchset.number,
        "thread": comment.thread_id,
        "path": comment.path or None,
        "line": comment.line,
        "body": comment.body,
        "suggestion": _suggestion(comment),
        "time": comment.created_at.isoformat(),
        "edited_at": comment.edited_at.isoformat() if comment.edited_at else None,
        "deleted": comment.deleted_at is not None,
    }


def draft_body(changeset: Changeset, draft: DraftComment) -> dict[str, Any]:
    return {
        "id": str(draft.pk),
        "changeset": str(changeset),
        "patchset": draft.patchset.number,
        "thread": draft.thread_id,
        "body": draft.body,
        "time": draft.created_at.isoformat(),
    } | _place_body(draft)


def _thread_body(
    changeset: Changeset, thread: Thread, place: Placed | None, comments: Sequence[Comment]
) -> dict[str, Any]:
    now = None
    if place is not None and place.path is not None:
        now = {"path": place.path, "start": place.start, "line": place.line}
    return {
        "id": thread.pk,
        "changeset": str(changeset),
        "quote": thread.quoted_lines,
        "now": now,
        "outdated": now is None,
        "resolved": thread.resolved_at is not None,
        "resolved_by": thread.resolved_by.username if thread.resolved_by else None,
        "resolved_at": thread.resolved_at.isoformat() if thread.resolved_at else None,
        "comments": [comment_body(changeset, comment) for comment in comments],
    } | _place_body(thread)


def _place_body(place: Thread | DraftComment) -> dict[str, Any]:
    return {
        "path": place.path or None,
        "side": place.side if place.path else None,
        "start": place.start,
        "line": place.line,
    }


def _suggestion(comment: Comment) -> dict[str, Any] | None:
    lines = suggested(comment.body)
    if lines is None:
        return None
    applied = comment.applied_in.number if comment.applied_in else None
    return {"lines": list(lines), "applied_in": applied}
