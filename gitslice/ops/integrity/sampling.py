"""The scheduled check: each run reads some packs and recomputes some commits, those that were not checked for longest."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from accounts.models import Organization, User
from gitslice.common.rows import fetch_row
from gitslice.objects.checking import Budget, check_packs, described, due_packs, note, subject_of
from gitslice.objects.models import CommitSample, Damage
from gitslice.ops.integrity import metrics
from gitslice.ops.integrity.checking import pack_finding
from slices.fsck import check_commits

log = logging.getLogger(__name__)

SHOWN = 50  # lines of a mail
SECONDS = 120  # that a run takes at most
NEXT = """
SELECT organization.id FROM accounts_organization organization
  LEFT JOIN objects_commitsample sample ON sample.organization_id = organization.id
 ORDER BY sample.sampled_at NULLS FIRST, organization.id LIMIT 1
"""


def sample() -> int:
    """Check some packs of all organizations and some commits of one; gives the number of findings that are new."""
    new = _sample_packs() + _sample_commits()
    for damage in new:
        log.error("damage in %s: %s", damage.organization_id, damage)
    metrics.DAMAGE.set(Damage.objects.filter(mended_at=None).count())
    _tell_administrators()
    return len(new)


def _sample_packs() -> list[Damage]:
    budget = Budget(max_seconds=SECONDS, max_bytes=settings.GITSLICE_FSCK_BYTES)
    new = []
    for pack, problems in check_packs(due_packs(), budget):
        texts = [described(problem) for problem in problems]
        new += note(pack.organization_id, subject_of(pack), texts)
        for problem in problems:
            log.error("%s", pack_finding(pack, problem))
    metrics.PACKS.inc(budget.packs)
    metrics.BYTES.inc(budget.bytes)
    return new


def _sample_commits() -> list[Damage]:
    row = fetch_row(NEXT, [])
    if row is None:
        return []
    organization = Organization.objects.get(pk=row[0])
    place, _ = CommitSample.objects.get_or_create(organization=organization)
    new, last, count = [], 0, 0
    for commit, findings in check_commits(organization, place.seq, settings.GITSLICE_FSCK_COMMITS):
        new += note(organization.pk, f"commit {commit}", [finding.problem for finding in findings])
        last, count = commit.seq, count + 1
    place.seq = (
        last if count == settings.GITSLICE_FSCK_COMMITS else 0
    )  # after the last one from the first again
    place.save()
    metrics.COMMITS.inc(count)
    return new


def _tell_administrators() -> None:
    """One mail of all that nobody was told of. It is marked first: a mail that cannot be sent is lost, none is sent twice."""
    with transaction.atomic():
        rows = Damage.objects.filter(mended_at=None, told_at=None).select_for_update(skip_locked=True)
        damages = list(rows.order_by("pk"))
        Damage.objects.filter(pk__in=[damage.pk for damage in damages]).update(told_at=timezone.now())
    if not damages or settings.EMAIL_BACKEND.endswith("dummy.EmailBackend"):
        return
    lines = [f"{damage.organization_id}: {damage}" for damage in damages[:SHOWN]]
    if len(damages) > SHOWN:
        lines.append(f"... and {len(damages) - SHOWN} more")
    count = "1 damage" if len(damages) == 1 else f"{len(damages)} damages"
    text = (
        f"The check of what is stored found {count}, by the number of the organization:\n\n"
        + "\n".join(lines)
        + "\n\nRun 'manage.py fsck' to see which paths it concerns; docs/integrity.md says what to do next.\n"
        + f"\n{settings.GITSLICE_PUBLIC_URL}\n"
    )
    people = User.objects.filter(is_active=True, is_superuser=True).exclude(email="")
    for address in people.values_list("email", flat=True):
        try:
            EmailMessage(subject=f"GitSlice: {count} found", body=text, to=[address]).send()
        except (SMTPException, OSError) as error:
            log.error("a mail to %s was not sent: %s", address, error)
