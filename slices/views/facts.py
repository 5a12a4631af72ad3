"""What there is to know about a slice: its definition and versions, policy, owners, overlaps; its settings."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.api.access import signed_in
from accounts.models import User
from accounts.services import role_in
from gitslice.common.errors import DomainError
from slices.access import Access, administers
from slices.api.access import visible_slice
from slices.history import head_of
from slices.models import Definition, Slice, SliceRole
from slices.overlaps import candidates, overlaps
from slices.patterns import definition_of
from slices.roles import name_of, owner_names, roles_of
from slices.services import SliceEdit, edit_slice
from slices.sizes import size_of
from slices.views.frame import framed, wanted
from slices.views.lists import words

MAX_VERSIONS = 100
MAX_OVERLAPS = 100


@require_safe
def definition(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """What the slice covers, who owns it, how it lands; all versions of its definition."""
    slice = visible_slice(request.user, org, name)
    versions = list(slice.definitions.select_related("author").order_by("-version")[: MAX_VERSIONS + 1])
    head = head_of(slice)
    older, newer = (_version_named(versions, wanted(request, name)) for name in ("from", "to"))
    context = {
        "definition": definition_of(slice),
        "older": older,
        "newer": newer,
        "compared": _version(newer, older) if older and newer else None,
        "versions": [_version(new, old) for new, old in zip(versions, [*versions[1:], None], strict=False)][
            :MAX_VERSIONS
        ],
        "roles": [(role, name_of(role).removeprefix("team:")) for role in roles_of(slice)],
        "size": size_of(slice, head.moment if head else None),
    }
    return render(request, "slices/definition.html", framed(request, slice, "definition", **context))


@require_safe
def slice_overlaps(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Other slices that share files with this one, of those that the reader may see."""
    slice = visible_slice(request.user, org, name)
    head = head_of(slice)
    size = size_of(slice, head.moment if head else None)
    found = overlaps(slice, list(candidates(slice, request.user)[:MAX_OVERLAPS]))
    found.sort(key=lambda overlap: (-overlap.path_count, overlap.slice.name))
    shares = [(overlap, _percent(overlap.path_count, size.files)) for overlap in found]
    member = isinstance(request.user, User) and role_in(request.user, slice.organization) is not None
    frame = framed(request, slice, "overlaps", shares=shares, size=size, member=member)
    return render(request, "slices/overlaps.html", frame)


@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: HttpRequest, org: str, name: str) -> HttpResponse:
    """Maintainers change what the slice covers, its description, visibility, owners and policy."""
    actor = signed_in(request.user)
    slice = visible_slice(actor, org, name)
    Access(slice, actor).require_maintainer()
    form = _settings_of(slice)
    status = 200
    context: dict[str, Any] = {}
    if request.method == "POST":
        form |= {
            field: request.POST.get(field, form[field] if field == "overlap_approvals" else "")
            for field in form
            if field != "locked"
        }
        form["locked"] = request.POST.get("locked") == "on"
        try:
            edit_slice(actor=actor, slice=slice, edit=_edit(slice, form))
        except DomainError as error:
            context, status = {"error": error}, error.status
        else:
            messages.success(request, f"{slice} is changed.")
            return HttpResponseRedirect(reverse("slices:definition", args=[org, name]))
    context |= {
        "form": form,
        "visibilities": Slice.Visibility.choices,
        "policies": Slice.ConflictPolicy.choices,
        "merges": Slice.AutoMerge.choices,
        "administers": administers(actor, slice.organization_id),
        "roles": [(role, name_of(role)) for role in roles_of(slice)],
        "role_choices": SliceRole.Role.values,
    }
    return render(
        request, "slices/settings.html", framed(request, slice, "settings", **context), status=status
    )


def _settings_of(slice: Slice) -> dict[str, Any]:
    patterns = definition_of(slice)
    return {
        "includes": "\n".join(patterns.includes),
        "excludes": "\n".join(patterns.excludes),
        "description": slice.description,
        "visibility": slice.visibility,
        "owners": "\n".join(owner_names(slice)),
        "conflicts": slice.conflict_policy,
        "auto_merge": slice.auto_merge,
        "required_approvals": str(slice.required_approvals),
        "overlap_approvals": slice.overlap_approvals,
        "required_checks": "\n".join(slice.required_checks),
        "locked": slice.locked,
    }


def _edit(slice: Slice, form: dict[str, Any]) -> SliceEdit:
    """Only what differs, so that a description can be changed without asking for the reach of the patterns."""
    before = _settings_of(slice)
    changed = {name: value for name, value in form.items() if _plain(value) != _plain(before[name])}
    for name in ("includes", "excludes", "owners"):
        if name in changed:
            changed[name] = words(changed[name])
    if "required_checks" in changed:
        names = map(str.strip, changed["required_checks"].splitlines())
        changed["required_checks"] = [name for name in names if name]
    if "required_approvals" in changed:
        number = changed["required_approvals"].strip()
        changed["required_approvals"] = int(number) if number.isdecimal() and len(number) < 6 else -1
    return SliceEdit(**changed)


def _plain(value: Any) -> Any:
    return value.replace("\r\n", "\n").strip() if isinstance(value, str) else value


def _version(new: Definition, old: Definition | None) -> dict[str, Any]:
    """One version, with what it changed of the one before."""
    before = {("+", text) for text in old.includes} | {("-", text) for text in old.excludes} if old else set()
    after = {("+", text) for text in new.includes} | {("-", text) for text in new.excludes}
    return {
        "definition": new,
        "hex": bytes(new.digest).hex(),
        "parent": bytes(new.parent_digest).hex() if new.parent_digest else "",
        "added": [_spoken(*pattern) for pattern in sorted(after - before)],
        "removed": [_spoken(*pattern) for pattern in sorted(before - after)],
    }


def _version_named(versions: list[Definition], number: str) -> Definition | None:
    return next((version for version in versions if str(version.version) == number), None)


def _spoken(sign: str, pattern: str) -> str:
    return pattern if sign == "+" else f"not {pattern}"


def _percent(part: int, whole: int) -> int:
    return min(100, max(1, round(100 * part / whole))) if whole else 0
