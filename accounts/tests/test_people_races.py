"""Changes of people that race, with real threads and a database connection each."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction

from accounts import services
from accounts.errors import LastOwner, NestedTooDeep, QuotaExceeded
from accounts.models import Invitation, Membership, User
from accounts.people import invitations
from accounts.people.activation import deactivate_user
from accounts.people.errors import InvitationNotFound
from accounts.people.members import change_role, remove_member
from accounts.people.teams import change_team, create_team
from accounts.quotas.services import BYTES, MEMBERS, SLICES, quota_of, set_limit
from accounts.tokens import digest_of
from gitslice.common.errors import DomainError, InvalidRequest, NameTaken, PermissionDenied
from gitslice.objects.services import put_blobs
from slices.granting import grant_role
from slices.models import SliceRole
from tests.threads import at_once
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 8
OWNER = Membership.Role.OWNER


@pytest.fixture
def world():
    return World()


def member(world: World, user: User) -> Membership:
    return world.organization.memberships.select_related("user", "organization").get(user=user)


def owners(world: World) -> int:
    return world.organization.memberships.filter(role=OWNER, user__is_active=True).count()


def test_of_two_owners_who_leave_one_stays(world):
    for number in range(ROUNDS):
        services.add_member(actor=world.owner, organization=world.organization, user=world.owner, role=OWNER)
        other = world.user(f"other{number}", OWNER)
        leaving = [member(world, user) for user in (world.owner, other)]
        results = at_once(
            lambda: remove_member(actor=leaving[0].user, membership=leaving[0]),  # noqa: B023
            lambda: change_role(actor=leaving[1].user, membership=leaving[1], role="member"),  # noqa: B023
        )
        assert sum(isinstance(result, LastOwner) for result in results) == 1
        assert owners(world) == 1
        last = world.organization.memberships.get(role=OWNER).user
        if last != world.owner:
            services.add_member(actor=last, organization=world.organization, user=world.owner, role=OWNER)
            remove_member(actor=last, membership=member(world, last))


def test_of_two_owners_who_deactivate_each_other_one_stays(world):
    for number in range(ROUNDS):
        other = world.user(f"other{number}", OWNER)
        results = at_once(
            lambda: deactivate_user(actor=world.owner, user=other, organization=world.organization),  # noqa: B023
            lambda: deactivate_user(actor=other, user=world.owner, organization=world.organization),  # noqa: B023
        )
        assert sum(isinstance(result, LastOwner | PermissionDenied) for result in results) == 1
        assert owners(world) == 1
        User.objects.update(is_active=True)
        remove_member(actor=world.owner, membership=member(world, other))


def test_a_link_is_used_once(world):
    for number in range(ROUNDS):
        people = [services.create_user(username=f"user{number}-{n}") for n in range(3)]
        token = f"token-{number}".ljust(43, "x")
        invitation = invitations.invite(
            actor=world.owner, organization=world.organization, email=f"{number}@example.com"
        )
        Invitation.objects.filter(pk=invitation.pk).update(digest=digest_of(token))
        results = at_once(
            *(lambda user=user: invitations.accept(user=user, token=token) for user in people)  # noqa: B023
        )
        assert sum(isinstance(result, InvitationNotFound) for result in results) == 2
        assert sum(world.organization.memberships.filter(user=user).exists() for user in people) == 1


def test_an_address_is_invited_once(world):
    for number in range(ROUNDS):
        results = at_once(
            *(
                lambda: invitations.invite(
                    actor=world.owner,
                    organization=world.organization,
                    email=f"{number}@example.com",  # noqa: B023
                )
                for _ in range(3)
            )
        )
        assert sum(isinstance(result, NameTaken) for result in results) == 2


def test_teams_stay_nested_once(world):
    def team(slug: str):
        return create_team(actor=world.owner, organization=world.organization, slug=slug)

    for number in range(ROUNDS):
        one, two, three = (team(f"{name}{number}") for name in "abc")
        results = at_once(
            lambda: change_team(actor=world.owner, team=one, parent=two),  # noqa: B023
            lambda: change_team(actor=world.owner, team=two, parent=three),  # noqa: B023
        )
        assert sum(isinstance(result, NestedTooDeep) for result in results) == 1
    assert not world.organization.teams.filter(parent__parent__isnull=False).exists()


def test_who_leaves_gets_no_role_meanwhile(world):
    slice = world.slice("web", "web/**")
    for number in range(ROUNDS):
        ann = world.user(f"ann{number}")
        leaving = member(world, ann)
        results = at_once(
            lambda: remove_member(actor=world.owner, membership=leaving),  # noqa: B023
            lambda: grant_role(actor=world.owner, slice=slice, name=ann.username, role="writer"),  # noqa: B023
        )
        assert not isinstance(results[0], DomainError)
        assert isinstance(results[1], SliceRole | InvalidRequest)
        assert not SliceRole.objects.filter(user=ann).exists()


def test_the_last_place_is_taken_once(world):
    for number in range(ROUNDS):
        people = [services.create_user(username=f"user{number}-{n}") for n in range(4)]
        set_limit(actor=None, organization=world.organization, kind=MEMBERS, limit=number + 2)
        results = at_once(
            *(
                lambda user=user: services.add_member(
                    actor=world.owner, organization=world.organization, user=user
                )
                for user in people
            )
        )
        assert sum(isinstance(result, QuotaExceeded) for result in results) == 3
        assert quota_of(world.organization, MEMBERS).used == world.organization.memberships.count()


def test_the_last_slice_is_made_once(world):
    for number in range(ROUNDS):
        set_limit(actor=None, organization=world.organization, kind=SLICES, limit=number + 1)
        results = at_once(*(lambda name=f"s{number}-{n}": world.slice(name, f"{name}/**") for n in range(4)))
        assert sum(isinstance(result, QuotaExceeded) for result in results) == 3
        assert quota_of(world.organization, SLICES).used == world.organization.slices.count() - 1


def test_uploads_at_once_are_all_counted(world):
    set_limit(actor=None, organization=world.organization, kind=BYTES, limit=10**9)
    users = [world.user(f"user{n}") for n in range(4)]

    def upload(user: User) -> None:
        for number in range(ROUNDS):
            contents = [f"{user.username} {number}".encode(), b"same"]
            put_blobs(user=user, organization=world.organization, contents=contents)

    at_once(*(lambda user=user: upload(user) for user in users))
    stored = sum(world.organization.packs.values_list("size", flat=True))
    assert quota_of(world.organization, BYTES).used == stored > 0


def test_who_uploads_in_a_long_transaction_keeps_nobody_waiting(world):
    set_limit(actor=None, organization=world.organization, kind=BYTES, limit=10**9)
    stored = threading.Event()
    done = threading.Event()

    def slowly() -> None:
        with transaction.atomic():
            put_blobs(user=world.owner, organization=world.organization, contents=[b"slow"])
            stored.set()
            assert done.wait(20), "the other upload waits"

    def quickly() -> None:
        assert stored.wait(20)
        put_blobs(user=world.owner, organization=world.organization, contents=[b"quick"])
        done.set()

    at_once(slowly, quickly)
    stored_bytes = sum(world.organization.packs.values_list("size", flat=True))
    assert quota_of(world.organization, BYTES).used == stored_bytes
