"""The pages of people, as a browser without JavaScript uses them."""

from __future__ import annotations

import re

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts import services
from accounts.models import Membership, User
from accounts.people import invitations
from accounts.people.teams import create_team
from slices.access import Access
from slices.granting import grant_role
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    return World()


@pytest.fixture
def pages(world) -> Pages:
    return Pages(world.owner)


def role_of(world: World, user: User) -> str | None:
    return services.role_in(user, world.organization)


def test_people_are_listed_searched_and_managed(world, pages):
    ann, bob = world.user("ann"), world.user("bob")
    assert "ann" in text_of(pages.get("/acme/people/"))
    assert "bob" not in text_of(pages.get("/acme/people/", q="ann"))
    assert "Nobody matches" in pages.get("/acme/people/", q="zzz")
    assert "ann is admin now." in pages.post("/acme/people/ann/role/", role="admin")
    assert role_of(world, ann) == "admin"
    assert "Role is one of" in pages.post("/acme/people/ann/role/", role="king")
    assert "deactivated: all sessions" in pages.post("/acme/people/bob/deactivate/")
    assert "deactivated" in text_of(pages.get("/acme/people/"))
    assert "may sign in again" in pages.post("/acme/people/bob/reactivate/")
    assert "no member any more" in pages.post("/acme/people/bob/remove/")
    assert role_of(world, bob) is None
    assert "last owner" in pages.post("/acme/people/acme-owner/remove/")
    assert role_of(world, world.owner) == "owner"


def test_members_look_and_do_not_touch(world):
    member = world.user("member")
    pages = Pages(member)
    html = pages.get("/acme/people/")
    assert "Remove from" not in html
    assert "/acme/invitations/" not in html
    assert pages.status("/acme/invitations/") == 403
    assert pages.status("/acme/settings/") == 403
    assert "Only owners and admins" in pages.post("/acme/people/acme-owner/role/", role="member")
    assert "You have left acme" in pages.post("/acme/people/member/remove/")
    assert pages.status("/acme/people/") == 404


def tabs_of(html: str) -> list[str]:
    bar = html.partition('aria-label="Organization"')[2].partition("</nav>")[0]
    return re.findall(r'<a href="([^"]*)"', bar)


def test_one_navigation_leads_to_everything_that_one_may_open(world):
    owner, member = Pages(world.owner), Pages(world.user("member"))
    everything = tabs_of(owner.get("/acme/people/"))
    assert [path.split("/")[2] for path in everything] == [
        "people", "teams", "invitations", "service-accounts", "webhooks", "sign-in", "audit", "settings",
    ]  # fmt: skip
    for path in everything:
        html = owner.get(path)
        assert tabs_of(html) == everything
        assert f'href="{path}" aria-current="page"' in html
    shown = tabs_of(member.get("/acme/people/"))
    assert shown == ["/acme/people/", "/acme/teams/"]
    for path in everything:
        assert member.status(path) == (200 if path in shown else 403)


def test_the_page_of_an_organization_leads_its_members_to_people(world):
    world.slice("open", "open/**", visibility="public")
    assert 'href="/acme/people/"' in Pages(world.user("member")).get("/acme/slices/")
    assert 'href="/acme/audit/"' not in Pages(world.owner).get("/acme/slices/")
    assert 'href="/acme/people/"' not in Pages(world.user("stranger", role=None)).get("/acme/slices/")
    assert 'href="/acme/people/"' not in Pages().get("/acme/slices/")


def test_the_list_costs_the_same_for_many(world, pages):
    def queries() -> int:
        with CaptureQueriesContext(connection) as context:
            pages.get("/acme/people/")
            pages.get("/acme/teams/")
            pages.get("/acme/teams/core/")
            pages.get("/profile/")
        return len(context)

    core = create_team(actor=world.owner, organization=world.organization, slug="core", members=[world.owner])
    few = queries()
    for number in range(20):
        core.members.add(world.user(f"user{number}"))
        create_team(actor=world.owner, organization=world.organization, slug=f"t{number}", parent=core)
    assert queries() <= few <= 30


def test_an_invitation_from_sending_to_joining(world, pages, posted):
    links = posted(lambda: pages.post("/acme/invitations/", email="ann@example.com", role="admin"))
    [link] = links.values()
    assert "ann@example.com" in text_of(pages.get("/acme/invitations/"))
    stranger = Client()
    page = stranger.get(link)
    assert "no-store" in page["Cache-Control"]
    assert "Make an account and join" in page.content.decode()
    wrong = stranger.post(link, {"username": "ann", "password": "short"})
    assert wrong.status_code == 400
    assert 'value="ann"' in wrong.content.decode()
    joined = stranger.post(
        link, {"username": "ann", "name": "Ann", "password": "a long enough one"}, follow=True
    )
    assert "Welcome to acme" in joined.content.decode()
    assert role_of(world, User.objects.get(username="ann")) == "admin"
    assert stranger.get(link).status_code == 404
    assert "No open invitations" in pages.get("/acme/invitations/")


def test_who_is_signed_in_joins_with_one_click(world, pages, posted):
    links = posted(lambda: pages.post("/acme/invitations/", email="ann@example.com", role="member"))
    [link] = links.values()
    bob = services.create_user(username="bob")
    other = Pages(bob)
    assert "Join as bob" in other.get(link)
    assert "Welcome to acme" in other.post(link)
    assert role_of(world, bob) == "member"


def test_invitations_are_sent_again_and_revoked(world, pages, posted):
    posted(lambda: pages.post("/acme/invitations/", email="ann@example.com", role="member"))
    pk = world.organization.invitations.get().pk
    [link] = posted(lambda: pages.post(f"/acme/invitations/{pk}/resend/")).values()
    pages.post(f"/acme/invitations/{pk}/revoke/")
    assert Client().get(link).status_code == 404
    assert "accepted or revoked" in pages.post(f"/acme/invitations/{pk}/revoke/")
    answer = pages.client.post("/acme/invitations/", {"email": "nonsense", "role": "member"})
    assert answer.status_code == 400
    assert "is no e-mail address" in answer.content.decode()
    assert not mail.outbox or mail.outbox[-1].to == ["ann@example.com"]


def test_teams_are_made_filled_nested_and_deleted(world, pages):
    world.user("ann")
    assert "No teams yet" in pages.get("/acme/teams/")
    assert "The team core is ready" in pages.post("/acme/teams/", slug="core", name="Core people")
    pages.post("/acme/teams/", slug="storage", parent="core")
    answer = pages.client.post("/acme/teams/", {"slug": "Bad Name"})
    assert answer.status_code == 400
    assert 'value="Bad Name"' in answer.content.decode()
    assert "ann joined storage" in pages.post("/acme/teams/storage/add/", users="ann")
    assert "has no member nobody" in pages.post("/acme/teams/storage/add/", users="nobody, ann")
    text = text_of(pages.get("/acme/teams/core/"))
    assert "through storage" in text
    slice = world.slice("web", "web/**")
    grant_role(actor=world.owner, slice=slice, name="team:core", role="writer")
    assert "web writer" in text_of(pages.get("/acme/teams/core/"))
    pages.post("/acme/teams/storage/", slug="disks", name="Disks", parent="")
    assert "It stands alone" in pages.get("/acme/teams/disks/")
    assert "no longer in disks" in pages.post("/acme/teams/disks/remove/", user="ann")
    assert "is deleted" in pages.post("/acme/teams/disks/delete/")
    assert pages.status("/acme/teams/disks/") == 404


def test_a_team_page_names_no_unseen_slice(world):
    member = world.user("member")
    create_team(actor=world.owner, organization=world.organization, slug="core")
    hidden = world.slice("hidden", "hidden/**", visibility="private")
    grant_role(actor=world.owner, slice=hidden, name="team:core", role="writer")
    assert "hidden" not in text_of(Pages(member).get("/acme/teams/core/"))


def test_the_organization_gets_another_name(world, pages):
    assert "Acme Works" in pages.post("/acme/settings/", name="Acme Works")
    assert pages.client.post("/acme/settings/", {"name": " "}).status_code == 400


def test_a_directory_is_connected(world, pages):
    assert "No directory is connected" in pages.get("/acme/settings/")
    made = pages.client.post("/acme/settings/scim/", {"token_name": "Entra ID"}).content.decode()
    assert "gsc_" in made
    assert "/scim/v2/acme" in made
    token = world.organization.scim_tokens.get()
    assert pages.client.post("/acme/settings/scim/", {"token_name": ""}).status_code == 400
    assert (
        Pages(world.user("member")).client.post("/acme/settings/scim/", {"token_name": "x"}).status_code
        == 403
    )
    assert "The token is revoked" in pages.post(f"/acme/settings/scim/{token.pk}/revoke/")
    assert "No directory is connected" in pages.get("/acme/settings/")


def test_ones_two_pages_lead_to_each_other_and_say_nothing_twice(world, pages):
    profile, sign_in = pages.get("/profile/"), pages.get("/account/")
    assert 'href="/account/"' in profile.partition("<main")[2]
    assert 'href="/profile/"' in sign_in.partition("<main")[2]
    assert "acme" in text_of(profile).split()
    assert "owner" not in text_of(sign_in).split()


def test_addresses_of_forms_lead_to_their_pages(world, pages):
    assert pages.client.get("/profile/tokens/")["Location"] == "/profile/#tokens"
    assert pages.client.get("/acme/settings/scim/")["Location"] == "/acme/settings/#scim"
    assert pages.client.get("/acme/sign-in/provider/")["Location"] == "/acme/sign-in/"


def test_ones_own_page(world, pages):
    create_team(actor=world.owner, organization=world.organization, slug="core", members=[world.owner])
    text = text_of(pages.get("/profile/"))
    assert "acme" in text
    assert "acme/ core" in text
    pages.post("/profile/", first_name="Olga", last_name="Nord")
    world.owner.refresh_from_db()
    assert world.owner.get_full_name() == "Olga Nord"
    assert pages.client.post("/profile/", {"first_name": "x" * 151}).status_code == 400


def test_roles_of_a_slice_on_its_settings_page(world, pages):
    slice = world.slice("web", "web/**")
    ann = world.user("ann")
    assert "ann is writer of acme/web" in pages.post(
        "/acme/slices/web/roles/give/", holder="ann", role="writer"
    )
    assert Access(slice, ann).role == "writer"
    assert "Role of ann" in pages.get("/acme/slices/web/settings/")
    assert "needs an owner" in pages.post("/acme/slices/web/roles/take/", holder="acme-owner")
    pages.post("/acme/slices/web/roles/take/", holder="ann")
    assert Access(slice, ann).role == "reader"
    answer = Pages(ann).client.post("/acme/slices/web/roles/give/", {"holder": "ann", "role": "maintainer"})
    assert answer.status_code == 302
    assert Access(slice, ann).role == "reader"
    hidden = world.slice("hidden", "hidden/**", visibility="private")
    answer = Pages(ann).client.post(f"/acme/slices/{hidden.name}/roles/take/", {"holder": "acme-owner"})
    assert answer.status_code == 404


def test_the_pages_of_an_organization_need_signing_in(world):
    for path in (
        "/profile/", "/acme/people/", "/acme/teams/", "/acme/invitations/", "/acme/service-accounts/",
        "/acme/service-accounts/deploy/", "/acme/settings/",
    ):  # fmt: skip
        assert Client().get(path)["Location"].startswith("/login/?next=")


def test_only_an_owner_offers_to_make_owners(world):
    admin = world.user("admin", Membership.Role.ADMIN)
    html = Pages(admin).get("/acme/invitations/")
    assert "<option >owner" not in html
    answer = Pages(admin).client.post("/acme/invitations/", {"email": "a@example.com", "role": "owner"})
    assert answer.status_code == 403
    assert not invitations.Invitation.objects.exists()
