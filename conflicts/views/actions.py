"""What one does to a conflict from its page. Each answers with a page again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from accounts.models import Organization, User
from accounts.quotas.services import BYTES, quota_of
from conflicts.bodies import conflict_bodies
from conflicts.resolution import MANUAL, Resolution, resolve_conflicts
from conflicts.services import assign_conflict, comment_on_conflict
from conflicts.views.conflict import own_side, visible_row
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import performed, whole_number
from gitslice.objects.services import put_blobs, read_blobs
from gitslice_core.merge import has_markers

DELETE = "delete"


@require_POST
def resolve(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    """`choice` is ours, theirs, auto, force, or manual with the `text` of the result."""
    actor = signed_in(request.user)
    row = visible_row(request, org, conflict_id)
    named = request.POST.get("changeset", "")
    of = next((s.pk for s in (row.changeset, row.their_changeset) if s is not None and str(s) == named), None)
    [body] = conflict_bodies([row], actor, of)
    changeset = own_side(row, body)

    def mutation() -> str:
        resolution = _resolution(request, actor, row.organization, body)
        resolve_conflicts(
            actor=actor,
            changeset=changeset,
            resolutions=[resolution],
            expected_patchset=whole_number(request.POST.get("patchset", "")),
        )
        return f"{body['path']} is resolved: {resolution.choice}."

    page = reverse("conflicts:conflict", args=[org, conflict_id])
    return performed(request, f"{page}?changeset={changeset}", mutation)


@require_POST
def assign(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    actor = signed_in(request.user)
    row = visible_row(request, org, conflict_id)
    name = request.POST.get("assignee", "").strip()

    def mutation() -> str:
        user = User.objects.filter(username=name, is_active=True).first() if name else None
        if name and user is None:
            raise InvalidRequest(f"there is no user {name}")
        assign_conflict(actor=actor, conflict=row, assignee=user)
        return f"{name} takes care of it." if name else "Nobody takes care of it now."

    return performed(request, reverse("conflicts:conflict", args=[org, conflict_id]), mutation)


@require_POST
def comment(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    actor = signed_in(request.user)
    row = visible_row(request, org, conflict_id)

    def mutation() -> str:
        text = request.POST.get("body", "").replace("\r\n", "\n")
        if "\0" in text:
            raise InvalidRequest("the text has a NUL character")
        comment_on_conflict(actor=actor, conflict=row, body=text)
        return "Your comment is in."

    return performed(request, reverse("conflicts:conflict", args=[org, conflict_id]), mutation)


def _resolution(request: HttpRequest, actor: User, organization: Organization, body: dict) -> Resolution:
    choice, path = request.POST.get("choice", ""), body["path"]
    if choice == DELETE:
        return Resolution(path, MANUAL)
    if choice != MANUAL:
        if choice not in ("ours", "theirs", "auto", "force"):
            raise InvalidRequest("choose a side, or edit the result")
        return Resolution(path, choice)
    content = _content(request.POST.get("text", ""), body, organization)
    if has_markers(content):
        raise InvalidRequest(
            "the result still has conflict markers", hint="take one side of each, or edit it"
        )
    quota = quota_of(organization, BYTES)
    ((digest, _),) = put_blobs(
        user=actor, organization=organization, contents=[content], admit=quota.require_room
    )
    return Resolution(path, MANUAL, (body["ours"] or body["theirs"])["mode"], digest)


def _content(text: str, body: dict, organization: Organization) -> bytes:
    """What was typed, with the line ends that the file had: browsers send CRLF for all."""
    content = text.replace("\r\n", "\n").encode()
    digest = bytes.fromhex((body["ours"] or body["theirs"])["digest"])
    before = read_blobs(organization.pk, [digest])[digest]
    crlf = before.count(b"\r\n") > before.count(b"\n") // 2
    return content.replace(b"\n", b"\r\n") if crlf else content
