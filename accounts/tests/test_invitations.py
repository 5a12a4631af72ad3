"""Invitations: sent, opened by whoever has the link, and dead when they should be."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from accounts import services
from accounts.models import AuditEvent, Invitation, Membership, User
from accounts.people import invitations
from accounts.people.activation import deactivate_user
from accounts.people.errors import InvitationNotFound, MailIsOff
from accounts.people.letters import send_invitation
from accounts.people.members import remove_member
from gitslice.common.errors import InvalidRequest, NameTaken, PermissionDenied
from gitslice.common.limits import TooManyRequests
from gitslice.common.secrets import seal
from gitslice.telemetry.logs import formatter
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db

Role = Membership.Role
ANN = "ann@example.com"


@pytest.fixture
def world():
    return World()


def invited(world: World, posted, email: str = ANN, role: str = "member") -> str:
    """The token of a new invitation."""
    links = posted(
        lambda: invitations.invite(actor=world.owner, organization=world.organization, email=email, role=role)
    )
    return token_of(links[email.lower()])


def token_of(link: str) -> str:
    return link.removeprefix("/invitations/").removesuffix("/")


def test_a_new_account_has_the_address_of_the_invitation(world, posted):
    token = invited(world, posted, "Ann@Example.com", role="admin")
    assert mail.outbox[0].subject == "Join acme on GitSlice"
    assert "acme-owner invites you" in mail.outbox[0].body
    user = invitations.accept_as_new(
        token=token, username="ann", password="a long enough one", name="Ann Berg"
    )
    assert (user.email, user.get_full_name()) == (ANN, "Ann Berg")
    assert services.role_in(user, world.organization) == Role.ADMIN
    assert AuditEvent.objects.get(action="invitation.accept").actor == user


def test_who_has_an_account_joins_with_it(world, posted):
    ann = services.create_user(username="ann", email="other@example.com")
    api = Api(world.token(ann))
    token = invited(world, posted)
    joined = api.post("invitations/accept/", {"token": token}).json()
    assert (joined["organization"], joined["role"]) == ("acme", "member")
    ann.refresh_from_db()
    assert ann.email == "other@example.com"
    assert code_of(api.post("invitations/accept/", {"token": token})) == (404, "not_found")


def test_an_invitation_makes_nobody_less(world, posted):
    admin = world.user("admin", Role.ADMIN)
    invitations.accept(user=admin, token=invited(world, posted))
    assert services.role_in(admin, world.organization) == Role.ADMIN
    invitations.accept(user=admin, token=invited(world, posted, role="owner"))
    assert services.role_in(admin, world.organization) == Role.OWNER


def test_links_that_do_not_work_are_all_the_same(world, posted):
    ann = services.create_user(username="ann")
    expired, revoked, replaced = (invited(world, posted, f"{n}@example.com") for n in "abc")
    rows = {row.email[0]: row for row in Invitation.objects.all()}
    Invitation.objects.filter(pk=rows["a"].pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    invitations.revoke(actor=world.owner, invitation=rows["b"])
    links = posted(lambda: invitations.resend(actor=world.owner, invitation=rows["c"]))
    answers = set()
    for token in (expired, revoked, replaced, "x" * 43):
        with pytest.raises(InvitationNotFound) as caught:
            invitations.accept(user=ann, token=token)
        answers.add(str(caught.value))
        assert Client().get(f"/invitations/{token}/").status_code == 404
    assert len(answers) == 1
    invitations.accept(user=ann, token=token_of(links["c@example.com"]))


def test_only_its_hash_is_kept(world, posted):
    token = invited(world, posted)
    assert token.encode() not in bytes(Invitation.objects.get().digest)
    assert len(bytes(Invitation.objects.get().digest)) == 32


def test_a_mail_that_comes_late_is_not_sent(world, posted):
    token = invited(world, posted)
    invitation = Invitation.objects.get()
    assert send_invitation(invitation.pk, seal(token))
    invitations.revoke(actor=world.owner, invitation=invitation)
    assert not send_invitation(invitation.pk, seal(token))


def test_admins_invite_and_only_owners_invite_owners(world, posted):
    admin, ann = world.user("admin", Role.ADMIN), world.user("member")
    with pytest.raises(PermissionDenied):
        invitations.invite(actor=ann, organization=world.organization, email=ANN)
    with pytest.raises(PermissionDenied):
        invitations.invite(actor=admin, organization=world.organization, email=ANN, role="owner")
    invited(world, posted, role="owner")
    with pytest.raises(PermissionDenied):
        invitations.resend(actor=admin, invitation=Invitation.objects.get())


def test_the_answer_is_the_same_for_addresses_with_an_account(world, posted, settings):
    services.create_user(username="ann", email=ANN)
    member = world.user("member")
    member.email = "member@example.com"
    member.save()
    api = Api(world.token(world.owner))
    bodies = []
    for email in (ANN, "member@example.com", "nobody@example.com"):
        answers: list = []
        links = posted(lambda: answers.append(api.post("orgs/acme/invitations/", {"email": email})))  # noqa: B023
        assert set(links) == {email}
        assert answers[0].status_code == 201
        page = Client().get(links[email]).content.decode()
        page = page.replace(token_of(links[email]), "").replace(email, "")
        bodies.append("\n".join(line for line in page.splitlines() if "csrf" not in line))
    assert len(set(bodies)) == 1


def test_the_list_and_its_ends(world, posted):
    api = Api(world.token(world.owner))
    invited(world, posted)
    invited(world, posted, "bob@example.com")
    page = api.get("orgs/acme/invitations/", limit=1).json()
    [first] = page["items"]
    assert (first["email"], first["role"], first["state"]) == (ANN, "member", "open")
    assert first["invited_by"] == "acme-owner"
    [second] = api.get("orgs/acme/invitations/", cursor=page["next_cursor"]).json()["items"]
    assert second["email"] == "bob@example.com"
    one = f"orgs/acme/invitations/{first['id']}/"
    assert code_of(Api(world.token(world.user("ann"))).delete(one))[0] == 403
    assert code_of(Api(world.token(World("other").owner)).delete(one))[0] == 404
    assert api.post(one + "resend/", {}).status_code == 200
    assert api.delete(one).status_code == 204
    assert code_of(api.delete(one)) == (404, "not_found")


def test_asking_twice(world, posted):
    api = Api(world.token(world.owner))
    key = {"Idempotency-Key": "k"}
    assert (
        api.post("orgs/acme/invitations/", {"email": ANN}, **key).json()
        == api.post("orgs/acme/invitations/", {"email": ANN}, **key).json()
    )
    assert code_of(api.post("orgs/acme/invitations/", {"email": ANN.upper()})) == (409, "name_taken")


@pytest.mark.parametrize(
    "email", ["", "ann", "ann@", "a@b\nc", "ann@example.com\nBcc: x@example.com", "\0@b.c"]
)
def test_bad_addresses(world, email):
    with pytest.raises(InvalidRequest):
        invitations.invite(actor=world.owner, organization=world.organization, email=email)


def test_names_do_not_break_the_mail(world, posted):
    world.organization.name = "Acme\nBcc: x@example.com"
    world.organization.save()
    invited(world, posted)
    assert mail.outbox[0].subject == "Join Acme Bcc: x@example.com on GitSlice"


def test_without_mail_there_are_no_invitations(world, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    with pytest.raises(MailIsOff):
        invitations.invite(actor=world.owner, organization=world.organization, email=ANN)


def test_a_taken_name_or_a_weak_password_leaves_the_link_open(world, posted):
    token = invited(world, posted)
    with pytest.raises(NameTaken):
        invitations.accept_as_new(token=token, username="acme-owner", password="a long enough one")
    with pytest.raises(InvalidRequest):
        invitations.accept_as_new(token=token, username="ann", password="short")
    assert not User.objects.filter(username="ann").exists()
    invitations.accept_as_new(token=token, username="ann", password="a long enough one")


@pytest.mark.parametrize("end", ["removed", "demoted", "deactivated"])
def test_links_of_who_may_invite_no_more_are_dead(world, posted, end):
    admin = world.user("admin", Role.ADMIN)
    given = {"actor": world.owner, "organization": world.organization}
    links = posted(lambda: invitations.invite(actor=admin, organization=world.organization, email=ANN))
    other = invited(world, posted, "bob@example.com")
    if end == "removed":
        remove_member(actor=world.owner, membership=admin.memberships.get())
    elif end == "demoted":
        services.add_member(**given, user=admin, role=Role.MEMBER)
    else:
        deactivate_user(**given, user=admin)
    with pytest.raises(InvitationNotFound):
        invitations.open_invitation(token_of(links[ANN]))
    assert invitations.open_invitation(other)
    assert AuditEvent.objects.get(action="invitation.revoke").object == ANN


def test_an_owner_who_becomes_an_admin_has_invited_no_owners(world, posted):
    second = world.user("second", Role.OWNER)
    given = {"actor": second, "organization": world.organization}
    owners = posted(lambda: invitations.invite(**given, email=ANN, role=Role.OWNER))
    members = posted(lambda: invitations.invite(**given, email="bob@example.com"))
    services.add_member(actor=world.owner, organization=world.organization, user=second, role=Role.ADMIN)
    with pytest.raises(InvitationNotFound):
        invitations.open_invitation(token_of(owners[ANN]))
    assert invitations.open_invitation(token_of(members["bob@example.com"]))


def test_nobodys_letter_box_is_filled(world, posted):
    invited(world, posted)
    invitation = Invitation.objects.get()
    for _ in range(9):
        invitations.resend(actor=world.owner, invitation=invitation)
    other = World("other")
    with pytest.raises(TooManyRequests):
        invitations.invite(actor=other.owner, organization=other.organization, email=ANN)


def test_no_log_has_a_link_that_works(world, posted, caplog):
    token = invited(world, posted)
    caplog.set_level("INFO")
    assert (
        Client().post(f"/invitations/{token}/", {"username": "ann", "password": "short"}).status_code == 400
    )
    lines = [formatter("json").format(record) for record in caplog.records]
    assert any("/invitations/" in line for line in lines)
    assert token not in "".join(lines)
