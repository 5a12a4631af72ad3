"""Applying suggestions of reviewers: they become a new patchset of the changeset."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from changesets.edits import CHMOD, MODIFY, PathEdit
from changesets.errors import CommentNotFound, InvalidEdit, SuggestionOutdated
from changesets.models import Changeset, Comment, Patchset, Place, Thread
from changesets.mutations import check_current
from changesets.placing import Placed, placed
from changesets.plans import content_entry, load_edits
from changesets.services import put_patchset
from changesets.suggesting import Replacement, overlapping, replaced, suggested
from gitslice.common.errors import InvalidRequest, PermissionDenied
from gitslice.objects.services import put_blobs, read_blobs
from slices.access import Access
from slices.entries import SYMLINK

MAX_SUGGESTIONS = 100


def apply_suggestions(
    *,
    actor: User,
    changeset: Changeset,
    comment_ids: Collection[int],
    message: str = "",
    expected_patchset: int | None = None,
    seen: Mapping[int, str] | None = None,
) -> Changeset:
    """A new patchset with what these comments suggest, whose threads are resolved. The changeset's author may, who can
    write. All are applied, or none. `seen` has for comments when they had been edited last as the author read them (ISO;
    "": never): nobody applies what they have not read.

    Raises SliceForbidden, PermissionDenied, CommentNotFound, InvalidRequest, SuggestionOutdated, StalePatchset,
    ChangesetClosed, InvalidEdit.
    """
    Access(changeset.slice, actor).require_writer()
    if changeset.author_id != actor.pk:
        raise PermissionDenied("suggestions are taken by the author of the changeset")
    check_current(changeset, expected_patchset)
    comments = _comments(changeset, comment_ids)
    _check_seen(comments, seen or {})
    wanted = _by_path(changeset, comments)
    edits = _suggested_edits(actor, changeset, wanted)
    before = changeset.current
    with transaction.atomic():
        changeset = put_patchset(
            actor=actor,
            changeset=changeset,
            after=before.number,
            base=before.base,
            edits=edits,
            origin=Patchset.Origin.SUGGEST,
            message=message or _message(comments),
            contents={edit.new.digest for edit in edits if edit.new and edit.path in wanted},
        )
        _mark_applied(actor, changeset, comments)
    return changeset


def _comments(changeset: Changeset, comment_ids: Collection[int]) -> list[Comment]:
    if not 1 <= len(set(comment_ids)) <= MAX_SUGGESTIONS:
        raise InvalidRequest(f"choose 1 to {MAX_SUGGESTIONS} suggestions")
    rows = changeset.comments.filter(pk__in=comment_ids, deleted_at=None)
    comments = list(rows.select_related("thread", "author").order_by("pk"))
    missing = set(comment_ids) - {comment.pk for comment in comments}
    if missing:
        raise CommentNotFound(f"{changeset} has no comment {min(missing)}")
    for comment in comments:
        if not can_be_applied(comment):
            raise InvalidRequest(f"comment {comment.pk} suggests nothing that can be applied")
    return comments


def _check_seen(comments: Sequence[Comment], seen: Mapping[int, str]) -> None:
    for comment in comments:
        edited = comment.edited_at.isoformat() if comment.edited_at else ""
        if seen.get(comment.pk, edited) != edited:
            raise SuggestionOutdated(
                f"{comment.author.username} has edited the suggestion since",
                hint="read it again",
                comment=comment.pk,
            )


def can_be_applied(comment: Comment) -> bool:
    """Does the comment suggest new lines for lines of the new side, and has nobody applied it?"""
    thread = comment.thread
    return (
        thread is not None
        and thread.line is not None
        and thread.side == Place.Side.NEW
        and comment.applied_in_id is None
        and suggested(comment.body) is not None
    )


def _by_path(changeset: Changeset, comments: Sequence[Comment]) -> dict[str, list[Replacement]]:
    """What is to be replaced in each file of the current patchset."""
    threads = {comment.thread.pk: comment.thread for comment in comments if comment.thread}
    places = placed(changeset, list(threads.values()))
    wanted: dict[str, list[Replacement]] = {}
    for comment in comments:
        assert comment.thread is not None
        path, replacement = _replacement(comment, comment.thread, places[comment.thread.pk])
        wanted.setdefault(path, []).append(replacement)
    for path, replacements in wanted.items():
        if overlapping(replacements):
            raise InvalidRequest(f"two of the suggestions change the same lines of {path}")
    return wanted


def _replacement(comment: Comment, thread: Thread, place: Placed) -> tuple[str, Replacement]:
    if place.path is None or place.start is None or place.line is None:
        raise SuggestionOutdated(
            f"the lines of {thread.path} have changed since {comment.author.username} made the suggestion",
            comment=comment.pk,
            path=thread.path,
        )
    lines = suggested(comment.body)
    assert lines is not None, "can_be_applied looked"
    return place.path, Replacement(place.start, place.line, lines)


def _suggested_edits(
    actor: User, changeset: Changeset, wanted: dict[str, list[Replacement]]
) -> list[PathEdit]:
    """The current edits, with new contents for these paths; contents are stored before any row names them."""
    edits = {edit.path: edit for edit in load_edits(changeset.current)}
    entries = {path: edits[path].new for path in wanted}
    for path, entry in entries.items():
        if entry is None or entry.mode == SYMLINK:
            raise InvalidRequest(f"{path} is no file whose lines can be replaced")
    digests = {entry.digest for entry in entries.values() if entry}
    contents = read_blobs(changeset.organization_id, digests)
    made: dict[str, bytes] = {}
    for path, entry in entries.items():
        assert entry is not None
        made[path] = replaced(contents[entry.digest], wanted[path])
        edits[path] = _edited(edits[path], made[path])
    put_blobs(user=actor, organization=changeset.organization, contents=list(made.values()))
    left = [edit for edit in edits.values() if edit.new != edit.base]
    if not left:
        raise InvalidEdit(f"with these suggestions {changeset} would change nothing", hint="abandon it")
    if {edit.path: edit.new for edit in left} == {
        edit.path: edit.new for edit in load_edits(changeset.current)
    }:
        raise InvalidEdit("the suggestions change nothing")
    return sorted(left, key=lambda edit: edit.path.encode())


def _edited(edit: PathEdit, content: bytes) -> PathEdit:
    assert edit.new is not None
    new = content_entry(edit.new.mode, content)
    if edit.op not in (MODIFY, CHMOD):
        return edit._replace(new=new)
    same = edit.base is not None and new.digest == edit.base.digest
    return edit._replace(op=CHMOD if same else MODIFY, new=new)


def _message(comments: Sequence[Comment]) -> str:
    names = sorted({comment.author.username for comment in comments})
    count = "a suggestion" if len(comments) == 1 else f"{len(comments)} suggestions"
    return f"Apply {count} by {', '.join(names)}"


def _mark_applied(actor: User, changeset: Changeset, comments: Sequence[Comment]) -> None:
    Comment.objects.filter(pk__in=[comment.pk for comment in comments]).update(applied_in=changeset.current)
    Thread.objects.filter(pk__in=[comment.thread_id for comment in comments], resolved_at=None).update(
        resolved_by=actor, resolved_at=timezone.now()
    )
