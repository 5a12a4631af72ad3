from __future__ import annotations

import logging

from celery import shared_task

from accounts.models import Organization
from slices.coverage_counts import count_coverage, outdated_coverage
from slices.global_state.errors import GlobalBlocked, GlobalMergeRunning
from slices.global_state.merging import merge_global
from slices.global_state.pending import waiting_organizations
from slices.search.index import follow, outdated_organizations

log = logging.getLogger(__name__)


@shared_task(name="slices.merge_global_states", ignore_result=True)
def merge_global_states() -> int:
    """Queue a batch merge for every organization in which something waits; gives their number."""
    waiting = waiting_organizations()
    for organization_id in waiting:
        merge_global_state.apply_async((organization_id,), expires=60)  # the next run would queue it again
    return len(waiting)


@shared_task(name="slices.merge_global_state", ignore_result=True)
def merge_global_state(organization_id: int) -> int:
    """Merge batch after batch until nothing waits; gives their number. What stops it is shown by the global state, and
    the next run tries again."""
    organization = Organization.objects.get(pk=organization_id)
    count = 0
    try:
        while merge_global(actor=None, organization=organization):
            count += 1
    except (GlobalMergeRunning, GlobalBlocked) as stop:
        log.info("batch merge of %s: %s", organization, stop)
    return count


@shared_task(name="slices.index_landed", ignore_result=True)
def index_landed() -> int:
    """Bring the texts that are searched to what has landed since the last time. Gives the number of those that were not."""
    return sum(follow(organization) for organization in outdated_organizations())


@shared_task(name="slices.count_coverage", ignore_result=True)
def count_all_coverage() -> int:
    """Bring the counts of what slices cover to what has landed since. Gives the number of organizations that were behind."""
    return sum(count_coverage(organization) for organization in outdated_coverage())
