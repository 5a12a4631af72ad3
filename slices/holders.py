"""Which of some people hold a role in some slices: the same rules as `Access`, asked for many at once."""

from __future__ import annotations

from collections.abc import Collection

from accounts.models import User
from accounts.people.belonging import TEAMS_OF_USER
from gitslice.common.rows import fetch_rows
from slices.access import MAINTAINER, WRITER
from slices.models import Slice

ADMINISTERS = """EXISTS (SELECT FROM accounts_membership membership
     WHERE membership.organization_id = slice.organization_id AND membership.user_id = account.id
       AND membership.role IN ('owner', 'admin'))"""
HOLDS = f"""EXISTS (SELECT FROM slices_slicerole role
     WHERE role.slice_id = slice.id AND role.role = ANY(%s)
       AND (role.user_id = account.id OR role.team_id IN ({TEAMS_OF_USER % "account.id"})))"""
HOLDERS = f"""
SELECT slice.id, account.id FROM slices_slice slice, accounts_user account
 WHERE slice.id = ANY(%s) AND account.id = ANY(%s) AND account.is_active
   AND (account.is_superuser OR {ADMINISTERS} OR {HOLDS})
"""
READERS = f"""
SELECT account.id FROM slices_slice slice, accounts_user account
 WHERE slice.id = %s AND account.username = ANY(%s) AND account.is_active
   AND ({ADMINISTERS} OR {HOLDS}
        OR (slice.visibility <> 'private'
            AND EXISTS (SELECT FROM accounts_membership membership
                         WHERE membership.organization_id = slice.organization_id
                           AND membership.user_id = account.id)))
"""


def holders(
    slice_ids: Collection[int], user_ids: Collection[int], *, owners: bool = False
) -> dict[int, set[int]]:
    """Slice id -> those of the users, active ones, who may write to it (`owners`: who maintain it) now."""
    if not slice_ids or not user_ids:
        return {}
    roles = [MAINTAINER] if owners else [MAINTAINER, WRITER]
    found: dict[int, set[int]] = {}
    for slice_id, user_id in fetch_rows(HOLDERS, [list(slice_ids), list(user_ids), list(map(str, roles))]):
        found.setdefault(slice_id, set()).add(user_id)
    return found


def readers_named(slice: Slice, names: Collection[str]) -> list[User]:
    """Those of the names that are active members of the organization, or have a role here, and may read the slice."""
    if not names:
        return []
    every = ["reader", "writer", "maintainer"]
    rows = fetch_rows(READERS, [slice.pk, list(names), every])
    return list(User.objects.filter(pk__in=[pk for (pk,) in rows]).order_by("username"))
