"""Mutations of what is said about a changeset: comments, threads, drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import models, transaction
from django.utils import timezone

from accounts.models import User
from changesets import attention
from changesets.approvals import may_decide
from changesets.errors import CommentNotFound
from changesets.mentions import mentioned_users
from changesets.models import Changeset, Comment, CommentVersion, DraftComment, Patchset, Thread
from changesets.mutations import audit
from changesets.placing import Quoted, Spot, quoted
from gitslice.common.errors import InvalidRequest, NotFound, PermissionDenied

MAX_BODY = 64 << 10  # characters
MAX_DRAFTS = 500  # of one person about one changeset


@dataclass(frozen=True)
class Said:
    """What somebody wants to say: of the changeset; of a spot, which begins a thread; or in a thread."""

    body: str
    spot: Spot | None = None
    thread_id: int | None = None
    patchset: int | None = None  # which the spot is of; None: the current one


@transaction.atomic
def comment_on_changeset(
    *,
    actor: User,
    changeset: Changeset,
    body: str,
    path: str = "",
    line: int | None = None,
    start: int | None = None,
    side: str = Thread.Side.NEW,
    thread_id: int | None = None,
    patchset: int | None = None,
) -> Comment:
    """Anybody who may read the changeset may comment, also once it is closed. Raises InvalidRequest, NotFound."""
    said = Said(body, Spot(path, line, start, side) if path else None, thread_id, patchset)
    if line is not None and not path:
        raise InvalidRequest("a line needs a path")
    comment = _write(actor, changeset, said)
    concerned = _pass_turn(actor, changeset, [comment])
    audit(changeset, actor, "changeset.comment", users=concerned, comment=comment.pk)
    return comment


@transaction.atomic
def edit_comment(*, actor: User, changeset: Changeset, comment_id: int, body: str) -> Comment:
    """Change one's own comment; what it said before is kept. Raises PermissionDenied for those of others."""
    comment = _own_comment(actor, changeset, comment_id)
    _check_body(body)
    if body != comment.body:
        CommentVersion.objects.create(comment=comment, body=comment.body)
        comment.body, comment.edited_at = body, timezone.now()
        comment.save(update_fields=["body", "edited_at"])
        audit(changeset, actor, "changeset.edit_comment", comment=comment.pk)
    return comment


@transaction.atomic
def delete_comment(*, actor: User, changeset: Changeset, comment_id: int) -> None:
    """Take back one's own comment: its place stays, so that answers keep their sense; the text is kept aside."""
    comment = _own_comment(actor, changeset, comment_id)
    CommentVersion.objects.create(comment=comment, body=comment.body)
    comment.body, comment.deleted_at = "", timezone.now()
    comment.save(update_fields=["body", "deleted_at"])
    audit(changeset, actor, "changeset.delete_comment", comment=comment.pk)


@transaction.atomic
def resolve_thread(*, actor: User, changeset: Changeset, thread_id: int, resolved: bool = True) -> Thread:
    """Resolve a thread, or reopen it. The changeset's author may, who takes part in it, and who may decide reviews."""
    rows = changeset.threads.select_for_update(no_key=True, of=("self",)).select_related("patchset")
    thread = rows.filter(pk=thread_id).first()
    if thread is None:
        raise NotFound(f"{changeset} has no thread {thread_id}")
    takes_part = thread.comments.filter(author=actor).exists() or changeset.author_id == actor.pk
    if not takes_part and not may_decide(changeset, actor):
        raise PermissionDenied(
            "who neither wrote the changeset nor takes part here leaves the thread as it is"
        )
    if resolved != (thread.resolved_at is not None):
        thread.resolved_by = actor if resolved else None
        thread.resolved_at = timezone.now() if resolved else None
        thread.save(update_fields=["resolved_by", "resolved_at"])
        audit(changeset, actor, f"changeset.{'resolve' if resolved else 'reopen'}_thread", thread=thread.pk)
    return thread


@transaction.atomic
def draft_comment(*, actor: User, changeset: Changeset, said: Said) -> DraftComment:
    """Keep a comment for a review that is submitted later. Nobody but the actor learns of it: there is no event, and the
    audit trail begins with the submission."""
    _check_body(said.body)
    if drafts_of(actor, changeset).count() >= MAX_DRAFTS:
        raise InvalidRequest(f"a review has at most {MAX_DRAFTS} comments", hint="submit what is there")
    patchset = _patchset(changeset, said.patchset)
    thread = _thread(changeset, said.thread_id)
    if thread is not None:
        return DraftComment.objects.create(
            changeset=changeset,
            patchset=patchset,
            author=actor,
            thread=thread,
            body=said.body,
            **_place_of(thread),
        )
    found = quoted(changeset, patchset, said.spot) if said.spot else None
    place = _placed_fields(found) if found else {}
    return DraftComment.objects.create(
        changeset=changeset, patchset=patchset, author=actor, body=said.body, **place
    )


@transaction.atomic
def edit_draft(*, actor: User, changeset: Changeset, draft_id: UUID, body: str) -> DraftComment:
    draft = drafts_of(actor, changeset).filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("you have no such draft")
    _check_body(body)
    draft.body = body
    draft.save(update_fields=["body"])
    return draft


def discard_drafts(*, actor: User, changeset: Changeset, draft_id: UUID | None = None) -> int:
    """Drop one draft, or all; gives how many there were."""
    rows = drafts_of(actor, changeset)
    return (rows if draft_id is None else rows.filter(pk=draft_id)).delete()[0]


def drafts_of(user: User, changeset: Changeset) -> models.QuerySet[DraftComment]:
    """One's own drafts: the only way to any."""
    return DraftComment.objects.filter(changeset=changeset, author=user)


def publish_drafts(actor: User, changeset: Changeset) -> list[Comment]:
    """Make comments of the actor's drafts, in the transaction of the caller, who announces them."""
    drafts = list(
        drafts_of(actor, changeset).select_related("thread", "patchset").order_by("created_at", "pk")
    )
    comments = []
    for draft in drafts:
        thread = draft.thread
        if thread is None and draft.path:
            thread = Thread.objects.create(changeset=changeset, patchset=draft.patchset, **_place_of(draft))
        comments.append(_insert(actor, changeset, draft.patchset, thread, draft.body))
    DraftComment.objects.filter(pk__in=[draft.pk for draft in drafts]).delete()
    return comments


def concerned_by(actor: User, changeset: Changeset, comments: Sequence[Comment], body: str = "") -> set[int]:
    """Who is mentioned in the texts and may see the changeset."""
    texts = [comment.body for comment in comments] + [body]
    return {user.pk for user in mentioned_users(changeset.slice, texts)} - {actor.pk}


def _pass_turn(actor: User, changeset: Changeset, comments: Sequence[Comment]) -> set[int]:
    threads = {comment.thread_id for comment in comments if comment.thread_id}
    spoke = Comment.objects.filter(thread__in=threads).values_list("author", flat=True)
    mentioned = concerned_by(actor, changeset, comments)
    answered = set(spoke) - {actor.pk} if threads else set()
    attention.commented(changeset, actor, answered=answered, mentioned=mentioned)
    return mentioned | answered


def _write(actor: User, changeset: Changeset, said: Said) -> Comment:
    _check_body(said.body)
    patchset = _patchset(changeset, said.patchset)
    thread = _thread(changeset, said.thread_id)
    if thread is None and said.spot is not None:
        found = quoted(changeset, patchset, said.spot)
        thread = Thread.objects.create(changeset=changeset, patchset=patchset, **_placed_fields(found))
    return _insert(actor, changeset, patchset, thread, said.body)


def _insert(
    actor: User, changeset: Changeset, patchset: Patchset, thread: Thread | None, body: str
) -> Comment:
    return Comment.objects.create(
        changeset=changeset,
        patchset=patchset,
        thread=thread,
        author=actor,
        path=thread.path if thread else "",
        line=thread.line if thread else None,
        body=body,
    )


def _placed_fields(found: Quoted) -> dict[str, object]:
    spot = found.spot
    return {
        "path": spot.path,
        "side": spot.side,
        "start": spot.start,
        "line": spot.line,
        "digest": found.digest,
        "quote": found.quote,
    }


def _place_of(place: Thread | DraftComment) -> dict[str, object]:
    return {name: getattr(place, name) for name in ("path", "side", "start", "line", "digest", "quote")}


def _thread(changeset: Changeset, thread_id: int | None) -> Thread | None:
    if thread_id is None:
        return None
    thread = changeset.threads.filter(pk=thread_id).first()
    if thread is None:
        raise NotFound(f"{changeset} has no thread {thread_id}")
    return thread


def _patchset(changeset: Changeset, number: int | None) -> Patchset:
    if number is None or number == changeset.current.number:
        return changeset.current
    found = changeset.patchsets.filter(number=number).first()
    if found is None:
        raise NotFound(f"{changeset} has no patchset {number}")
    return found


def _own_comment(actor: User, changeset: Changeset, comment_id: int) -> Comment:
    rows = changeset.comments.select_for_update(no_key=True, of=("self",))
    comment = rows.select_related("author", "patchset").filter(pk=comment_id, deleted_at=None).first()
    if comment is None:
        raise CommentNotFound(f"{changeset} has no comment {comment_id}")
    if comment.author_id != actor.pk:
        raise PermissionDenied("a comment is changed by who wrote it")
    return comment


def _check_body(body: str) -> None:
    if not body.strip():
        raise InvalidRequest("a comment needs a text")
    if len(body) > MAX_BODY:
        raise InvalidRequest(f"a comment has at most {MAX_BODY} characters")
    if "\0" in body:
        raise InvalidRequest("the text has a NUL character")
