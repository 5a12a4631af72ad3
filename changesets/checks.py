"""Checks: what CI systems report of a patchset."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator
from django.db import transaction

from accounts.models import User
from changesets import attention
from changesets.approvals import wrote
from changesets.models import Changeset, Check, Patchset
from changesets.mutations import audit, locked
from gitslice.common.errors import InvalidRequest, NotFound, PermissionDenied
from slices.access import Access
from slices.services import require_check_name

MAX_SUMMARY = 1000
MAX_CHECKS = 100  # of a patchset
check_url = URLValidator(schemes=("http", "https"))


@transaction.atomic
def report_check(
    *,
    actor: User,
    changeset: Changeset,
    name: str,
    state: str,
    patchset: int | None = None,
    url: str = "",
    summary: str = "",
) -> Check:
    """Set the check of that name on a patchset (default: the current one). Sent again, it is the same check.

    Writers may, but nobody reports of what they wrote themselves. Raises SliceForbidden, PermissionDenied, InvalidRequest.
    """
    Access(changeset.slice, actor).require_writer()
    _check_fields(name, state, url, summary)
    changeset = locked(changeset)
    if wrote(changeset, actor):
        raise PermissionDenied("nobody reports checks of their own changeset", hint="use a service account")
    found = patchset_numbered(changeset, patchset)
    existing = Check.objects.filter(patchset=found, name=name).first()
    if existing is None and found.checks.count() >= MAX_CHECKS:
        raise InvalidRequest(f"a patchset has at most {MAX_CHECKS} checks")
    facts = {"state": state, "url": url, "summary": summary, "reporter": actor}
    if existing and all(getattr(existing, field) == value for field, value in facts.items()):
        return existing
    check, _ = Check.objects.update_or_create(patchset=found, name=name, defaults=facts)
    if found.pk == changeset.patchset_id:
        attention.checked(changeset)
    audit(changeset, actor, "changeset.check", check=name, result=state, patchset=found.number)
    return check


def check_bodies(patchset: Patchset) -> list[dict[str, Any]]:
    """The checks of a patchset as the API shows them, by name."""
    return [check_body(check, patchset) for check in patchset.checks.select_related("reporter")]


def check_body(check: Check, patchset: Patchset) -> dict[str, Any]:
    return {
        "name": check.name,
        "patchset": patchset.number,
        "state": check.state,
        "url": check.url or None,
        "summary": check.summary,
        "reporter": check.reporter.username,
        "updated_at": check.updated_at.isoformat(),
    }


def patchset_numbered(changeset: Changeset, number: int | None) -> Patchset:
    if number is None or number == changeset.current.number:
        return changeset.current
    found = changeset.patchsets.filter(number=number).first()
    if found is None:
        raise NotFound(f"{changeset} has no patchset {number}")
    return found


def _check_fields(name: str, state: str, url: str, summary: str) -> None:
    require_check_name(name)
    if state not in Check.State.values:
        raise InvalidRequest(f"state is one of {', '.join(Check.State.values)}")
    if len(summary) > MAX_SUMMARY:
        raise InvalidRequest(f"a summary has at most {MAX_SUMMARY} characters")
    if url:
        try:
            check_url(url)
        except ValidationError:
            raise InvalidRequest("url is an address that begins with http:// or https://") from None
