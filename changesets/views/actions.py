"""What one does to a changeset from its pages. Each answers with the page again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from changesets.api.access import visible_changeset
from changesets.landing import land_patchset
from changesets.models import Review
from changesets.services import (
    abandon_changeset,
    comment_on_changeset,
    rebase_changeset,
    review_changeset,
)
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import performed, whole_number
from slices.views.diffs import anchor_of


@require_POST
def comment(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    path, line = request.POST.get("path", ""), request.POST.get("line", "")

    def mutation() -> str:
        comment_on_changeset(
            actor=actor, changeset=changeset, body=_text(request, "body"), path=path, line=whole_number(line)
        )
        return "Your comment is in."

    back = reverse("changesets:files" if path else "changesets:changeset", args=[org, number])
    return performed(request, f"{back}#{anchor_of(path)}R{line}" if path else back, mutation)


@require_POST
def review(request: HttpRequest, org: str, number: int) -> HttpResponse:
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    verdict = request.POST.get("verdict", "")

    def mutation() -> str:
        if verdict not in Review.Verdict.values:
            raise InvalidRequest("choose to approve or to reject")
        review_changeset(
            actor=actor,
            changeset=changeset,
            verdict=verdict,
            body=_text(request, "body"),
            expected_patchset=whole_number(request.POST.get("patchset", "")),
        )
        return f"You {'approved' if verdict == Review.Verdict.APPROVE else 'rejected'} {changeset}."

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
