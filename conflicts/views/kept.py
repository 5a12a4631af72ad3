"""Choices that wait for others, to become one patchset with them: kept in the session of who makes them."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts.api.access import signed_in
from changesets.api.access import visible_changeset
from changesets.models import Changeset
from conflicts.resolution import Resolution, resolve_conflicts
from gitslice.common.errors import InvalidRequest
from gitslice.common.pages import performed
from gitslice.common.tags import plural
from slices.access import Access

KEY = "kept_resolutions"
MOST_CHANGESETS, MOST_PATHS = 5, 200


def keep(request: HttpRequest, changeset: Changeset, resolution: Resolution) -> None:
    """Remember the choice, on the patchset that it was made on. Raises InvalidRequest."""
    kept = request.session.get(KEY, {})
    of_it = kept.pop(str(changeset.pk), {})
    number = changeset.current.number
    choices = of_it.get("choices", {}) if of_it.get("patchset") == number else {}
    if len(choices) >= MOST_PATHS and resolution.path not in choices:
        raise InvalidRequest(f"{MOST_PATHS} choices wait already: resolve these first")
    digest = resolution.digest.hex() if resolution.digest else None
    choices[resolution.path] = {
        "choice": resolution.choice,
        "mode": resolution.mode,
        "digest": digest,
        "hunks": list(resolution.hunks),
        "seen": resolution.seen,
    }
    latest = dict(list(kept.items())[-(MOST_CHANGESETS - 1) :])
    request.session[KEY] = latest | {str(changeset.pk): {"patchset": number, "choices": choices}}


def kept_of(request: HttpRequest, changeset: Changeset) -> list[dict[str, str]]:
    """Path and choice of what waits, in path order; nothing where the changeset has moved on."""
    of_it = request.session.get(KEY, {}).get(str(changeset.pk), {})
    if of_it.get("patchset") != changeset.current.number:
        return []
    return [{"path": path, "choice": body["choice"]} for path, body in sorted(of_it["choices"].items())]


@require_POST
def settle(request: HttpRequest, org: str, number: int) -> HttpResponse:
    """Resolve what waits as one patchset; with `drop` forget it."""
    actor = signed_in(request.user)
    changeset = visible_changeset(actor, org, number)
    Access(changeset.slice, actor).require_writer()

    def mutation() -> str:
        resolutions = _resolutions(request, changeset)
        if "drop" not in request.POST:
            if not resolutions:
                raise InvalidRequest(f"no choice for {changeset} as it is now waits")
            resolve_conflicts(
                actor=actor,
                changeset=changeset,
                resolutions=resolutions,
                expected_patchset=changeset.current.number,
            )
        _forget(request, changeset)
        count = plural(len(resolutions), "conflict")
        return "Forgotten." if "drop" in request.POST else f"{count} of {changeset} resolved in one patchset."

    return performed(request, reverse("changesets:changeset", args=[org, number]), mutation)


def _resolutions(request: HttpRequest, changeset: Changeset) -> list[Resolution]:
    of_it: dict[str, Any] = request.session.get(KEY, {}).get(str(changeset.pk), {})
    if of_it.get("patchset") != changeset.current.number:
        return []
    return [
        Resolution(
            path,
            body["choice"],
            body["mode"],
            bytes.fromhex(body["digest"]) if body["digest"] else None,
            tuple(body["hunks"]),
            body["seen"],
        )
        for path, body in of_it["choices"].items()
    ]


def _forget(request: HttpRequest, changeset: Changeset) -> None:
    kept = request.session.get(KEY, {})
    kept.pop(str(changeset.pk), None)
    request.session[KEY] = kept
