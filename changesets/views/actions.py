"""What one does to a changeset from its pages. Each answers with the page again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from changesets.api.access import visible_changeset
from changesets.landing import land_patchset
from changesets.models import Review, Thread
from changesets.placing import Spot
from changesets.reviewing import change_reviewers, review_changeset, withdraw_review
from changesets.services import abandon_changeset, rebase_changeset
from changesets.suggestions import apply_suggestions
from changesets.talking import (
    Said,
    comment_on_changeset,
    delete_comment,
    discard_drafts,
    draft_comment,
    edit_comment,
    resolve_thread,
)
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import performed, whole_number
from gitslice.common.pagination import whole_key
from slices.views.diffs import anchor_of


@require_POST
def comment(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Say something now, or (`draft`) with the review that one is writing."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    form = request.POST
    path, line = form.get("path", ""), form.get("line", "")
    side = form.get("side", "") or Thread.Side.NEW

    def mutation() -> str:
        body, thread_id = _text(request, "body"), whole_number(form.get("thread", ""))
        spot = Spot(path, whole_number(line), whole_number(form.get("start", "")), side) if path else None
        patchset = whole_number(form.get("of", ""))
        if form.get("draft"):
            draft_comment(actor=actor, changeset=changeset, said=Said(body, spot, thread_id, patchset))
            return "Kept for your review: only you see it until you submit that."
        comment_on_changeset(
            actor=actor,
            changeset=changeset,
            body=body,
            path=path,
            line=spot.line if spot else None,
            start=spot.start if spot else None,
            side=side,
            thread_id=thread_id,
            patchset=patchset,
        )
        return "Your comment is in."

    page = "changesets:files" if form.get("from") == "files" or path else "changesets:changeset"
    where = f"#{anchor_of(path)}{'L' if side == Thread.Side.OLD else 'R'}{line}" if path else ""
    thread = form.get("thread", "")
    return performed(
        request, reverse(page, args=[org, number]) + (f"#thread-{thread}" if thread else where), mutation
    )


@require_POST
def change_comment(request: HttpRequest, org: str, number: int, comment_id: int) -> HttpResponse:
    """Edit one's own comment, or (`delete`) take it back."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    own: dict[str, Any] = {"actor": actor, "changeset": changeset, "comment_id": whole_key(comment_id)}

    def mutation() -> str:
        if request.POST.get("delete"):
            delete_comment(**own)
            return "Your comment is gone."
        edit_comment(**own, body=_text(request, "body"))
        return "Your comment is changed."

    return performed(request, f"{_page(org, number)}#comment-{comment_id}", mutation)


@require_POST
def drafts(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Discard a draft (`draft`), or all."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        gone = discard_drafts(actor=actor, changeset=changeset, draft_id=_uuid(request.POST.get("draft", "")))
        return "Discarded." if gone else "There was nothing to discard."

    return performed(request, _page(org, number), mutation)


@require_POST
def thread(request: HttpRequest, org: str, number: int, thread_id: int) -> HttpResponse:
    """Resolve a thread, or (`reopen`) open it again."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    resolved = not request.POST.get("reopen")

    def mutation() -> str:
        resolve_thread(actor=actor, changeset=changeset, thread_id=whole_key(thread_id), resolved=resolved)
        return "Resolved." if resolved else "Open again."

    page = "changesets:files" if request.POST.get("from") == "files" else "changesets:changeset"
    return performed(request, f"{reverse(page, args=[org, number])}#thread-{thread_id}", mutation)


@require_POST
def suggestions(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Apply one suggestion (`only`), or those that are ticked (`comment`); `12@TIME` is one that was edited at that time."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        only = request.POST.get("only", "")
        parts = [one.partition("@") for one in ([only] if only else request.POST.getlist("comment"))]
        seen = {pk: edited for text, _, edited in parts if (pk := whole_number(text)) is not None}
        applied = apply_suggestions(
            actor=actor,
            changeset=changeset,
            comment_ids=seen,
            seen=seen,
            expected_patchset=whole_number(request.POST.get("patchset", "")),
        )
        return f"Applied, as patchset {applied.current.number}."

    return performed(request, _page(org, number), mutation)


@require_POST
def review(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    verdict = request.POST.get("verdict", "")
    said = {
        Review.Verdict.APPROVE.value: f"You approved {changeset}.",
        Review.Verdict.REJECT.value: "You asked for changes.",
        Review.Verdict.COMMENT.value: "Your comments are in.",
    }

    def mutation() -> str:
        if verdict not in Review.Verdict.values:
            raise InvalidRequest("choose to comment, to approve, or to ask for changes")
        review_changeset(
            actor=actor,
            changeset=changeset,
            verdict=verdict,
            body=_text(request, "body"),
            expected_patchset=whole_number(request.POST.get("patchset", "")),
        )
        return said[verdict]

    return performed(request, _page(org, number), mutation)


@require_POST
def withdraw(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        withdraw_review(actor=actor, changeset=changeset)
        return "Your verdict is withdrawn."

    return performed(request, _page(org, number), mutation)


@require_POST
def reviewers(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Ask somebody for a review (`add`), or no longer (`remove`)."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    add, remove = (request.POST.get(name, "").replace(",", " ").split() for name in ("add", "remove"))

    def mutation() -> str:
        if "\0" in "".join((*add, *remove)):
            raise InvalidRequest("the text has a NUL character")
        change_reviewers(actor=actor, changeset=changeset, add=add, remove=remove)
        return f"Asked {', '.join(add)}." if add else f"No longer asked: {', '.join(remove)}."

    return performed(request, _page(org, number), mutation)


@require_POST
def merge(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        landing = land_patchset(
            actor=actor,
            changeset=changeset,
            expected_patchset=whole_number(request.POST.get("patchset", "")),
            force=request.POST.get("force") == "1",
        )
        merged = f", {len(landing.merged_paths)} of its files merged with what others had landed"
        return f"{changeset} has landed as {landing.commit.hex[:10]}{merged if landing.merged_paths else ''}."

    return performed(request, _page(org, number), mutation)


@require_POST
def rebase(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        before = changeset.current.number
        rebased, _ = rebase_changeset(actor=actor, changeset=changeset)
        now = rebased.current.number
        if now == before:
            return f"{changeset} is based on the head already."
        return f"{changeset} is based on the head now, as patchset {now}."

    return performed(request, _page(org, number), mutation)


@require_POST
def abandon(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)

    def mutation() -> str:
        abandon_changeset(actor=actor, changeset=changeset, reason=_text(request, "reason"))
        return f"{changeset} is abandoned."

    return performed(request, _page(org, number), mutation)


def _page(org: str, number: int) -> str:
    return reverse("changesets:changeset", args=[org, number])


def _text(request: HttpRequest, name: str) -> str:
    text = request.POST.get(name, "").replace("\r\n", "\n").strip()
    if "\0" in text:
        raise InvalidRequest("the text has a NUL character")
    return text


def _uuid(text: str) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise InvalidRequest("that is no draft") from None
