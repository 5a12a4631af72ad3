"""What one does to a conflict from its page. Each answers with a page again."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from accounts.models import Organization, User
from accounts.quotas.services import BYTES, quota_of
from changesets.models import Changeset
from changesets.texts import content_of
from conflicts.bodies import conflict_bodies
from conflicts.models import Conflict
from conflicts.picking import chosen_at
from conflicts.resolution import MANUAL, Resolution, resolve_conflicts
from conflicts.services import assign_conflict, comment_on_conflict
from conflicts.views.conflict import own_side, picks_of, result_of, visible_row, wanted_side
from conflicts.views.kept import keep, kept_of
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import performed, whole_number
from gitslice.objects.services import put_blobs, read_blobs
from gitslice_core.merge import has_markers
from slices.access import Access
from slices.entries import EXECUTABLE, REGULAR

DELETE = "delete"


@require_POST
def resolve(request: HttpRequest, org: str, conflict_id: int) -> HttpResponse:
    """`choice` is ours, theirs, auto, force, delete, or manual with the `text` or `file` of the result. With `keep` the
    choice waits for others, to become one patchset with them."""
    actor = signed_in(request.user)
    row = visible_row(request, org, conflict_id)
    [body] = conflict_bodies([row], actor, wanted_side(request, row, request.POST.get("changeset", "")))
    changeset = own_side(row, body)
    here = reverse("conflicts:conflict", args=[org, conflict_id])

    def mutation() -> str:
        Access(changeset.slice, actor).require_writer()
        patchset = whole_number(request.POST.get("patchset", ""))
        resolution = _resolution(request, actor, row.organization, body)
        if "keep" in request.POST:
            if patchset != changeset.current.number:
                raise InvalidRequest(f"{changeset} has another patchset by now: look at it again")
            keep(request, changeset, resolution)
            return f"{body['path']} waits with {resolution.choice}. Nothing is saved yet."
        resolve_conflicts(
            actor=actor, changeset=changeset, resolutions=[resolution], expected_patchset=patchset
        )
        return f"{body['path']} is resolved: {resolution.choice}."

    waiting = {one["path"] for one in kept_of(request, changeset)} | {body["path"]}
    then = _next(actor, changeset, row, waiting) if "keep" in request.POST else None
    page = reverse("conflicts:conflict", args=[org, then]) if then else here
    return performed(request, f"{page}?changeset={changeset}", mutation)


def _next(actor: User, changeset: Changeset, row: Conflict, waiting: set[str]) -> int | None:
    """The next open conflict of the changeset for which nothing was chosen yet."""
    rows = Conflict.objects.open().told_to(actor).of_changeset(changeset.pk).exclude(path__in=waiting)
    later = rows.filter(path__gt=row.path).order_by("path", "pk")
    found = later.values_list("pk", flat=True).first()
    return found or rows.order_by("path", "pk").values_list("pk", flat=True).first()


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
    seen = (body["theirs"] or {}).get("digest", "")
    looked_at = request.POST.get("looked_at", seen)
    if choice == DELETE:
        return Resolution(path, MANUAL, seen=looked_at)
    if choice != MANUAL:
        if choice not in ("ours", "theirs", "auto", "force"):
            raise InvalidRequest("choose a side, or edit the result")
        return Resolution(path, choice, seen=looked_at)
    if body["kind"] is None:
        raise InvalidRequest("you do not see the other side of this conflict")
    content, hunks = _content(request, organization, body)
    mode = _mode(request, body["ours"] or body["theirs"])
    quota = quota_of(organization, BYTES)
    ((digest, _),) = put_blobs(
        user=actor, organization=organization, contents=[content], admit=quota.require_room
    )
    return Resolution(path, MANUAL, mode, digest, tuple(hunks), looked_at)


def _content(request: HttpRequest, organization: Organization, body: dict) -> tuple[bytes, list[str]]:
    """What the file shall be: what was typed, with the line ends that it had, or a file that was chosen; and what that
    has at each place."""
    file = request.FILES.get("file")
    if file is not None:
        return file.read(), []
    if "text" not in request.POST:
        raise InvalidRequest("choose a file")
    digest = bytes.fromhex((body["ours"] or body["theirs"])["digest"])
    before = read_blobs(organization.pk, [digest])[digest]
    content = content_of(request.POST["text"], before)
    if has_markers(content):
        raise InvalidRequest(
            "the result still has conflict markers", hint="take one side of each, or edit it"
        )
    result = result_of(organization.pk, body)
    return content, chosen_at(result, picks_of(request.POST), content) if result else []


def _mode(request: HttpRequest, entry: dict) -> str:
    if "mode" not in request.POST:
        return entry["mode"]
    return EXECUTABLE if request.POST.get("executable") else REGULAR
