"""What holds for every page: policy, titles, failures, who sees what."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.people.teams import create_team
from tests.pages import Pages, text_of, title_of
from tests.world import World


@pytest.fixture
def world(db):
    world = World()
    slice = world.slice("web", "web/**", description="Pages")
    world.land(slice, {"web/a.py": b"print('a')\n"}, title="First")
    world.propose(slice, {"web/a.py": b"print('b')\n"}, title="Second")
    create_team(actor=world.owner, organization=world.organization, slug="core", members=[world.owner])
    return world


PAGES = [
    "/",
    "/profile/",
    "/acme/people/",
    "/acme/invitations/",
    "/acme/service-accounts/",
    "/acme/teams/",
    "/acme/teams/core/",
    "/acme/settings/",
    "/slices/",
    "/acme/slices/",
    "/acme/new-slice/",
    "/acme/slices/web/",
    "/acme/slices/web/tree/web/a.py",
    "/acme/slices/web/history/",
    "/acme/slices/web/history/web/a.py",
    "/acme/slices/web/commits/HEAD/",
    "/acme/slices/web/compare/?from=HEAD",
    "/acme/slices/web/blame/web/a.py",
    "/search/?q=print",
    "/acme/slices/web/find/?q=a",
    "/acme/slices/web/covers/web/a.py",
    "/acme/slices/web/definition/",
    "/acme/slices/web/overlaps/",
    "/acme/slices/web/settings/",
    "/acme/slices/web/edit/web/a.py",
    "/acme/slices/web/edit/web/a.py?changeset=2",
    "/acme/slices/web/move/web/a.py",
    "/acme/slices/web/delete/web/a.py",
    "/acme/slices/web/add/",
    "/acme/slices/web/upload/",
    "/acme/slices/root/",
    "/changesets/",
    "/acme/changesets/",
    "/acme/changesets/2/",
    "/acme/changesets/2/files/",
    "/acme/changesets/2/edit/",
    "/acme/audit/",
    "/conflicts/",
    "/acme/conflicts/",
    "/acme/map/",
    "/acme/map/?by=week&folder=web",
    "/acme/sign-in/",
    "/acme/sign-in/?protocol=saml",
    "/account/",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_a_title_a_policy_and_nothing_inline(world, path):
    response = Pages(world.owner).client.get(path)
    html = response.content.decode()
    assert response.status_code == 200
    assert title_of(html).endswith(" · GitSlice")
    assert title_of(html) != "GitSlice · GitSlice"
    policy = response["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", html)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", html)
    assert not re.search(r'(src|href)="(https?:)?//', html)


@pytest.mark.parametrize("path", [path for path in PAGES if path.startswith("/acme")])
def test_what_one_may_not_see_does_not_exist(world, path):
    stranger = world.user("stranger", role=None)
    response = Pages(stranger).client.get(path)
    assert response.status_code == 404
    assert b"web/a.py" not in response.content.replace(path.encode(), b"")
    assert b"Second" not in response.content


@pytest.mark.parametrize("path", PAGES)
def test_strangers_are_asked_to_sign_in(world, path):
    response = Client().get(path)
    if path in ("/slices/", "/changesets/", "/conflicts/", "/search/?q=print"):
        assert "web" not in text_of(response.content.decode()).split()
    else:
        assert response.status_code == 302
        assert response["Location"].startswith("/login/?next=")


def test_public_slices_are_read_without_signing_in(world):
    world.slice("open", "open/**", visibility="public")
    pages = Pages()
    assert "acme/ open" in text_of(pages.get("/slices/"))
    assert "Nothing has landed here yet" in pages.get("/acme/slices/open/")


def test_an_unknown_address_says_so(world):
    response = Pages(world.owner).client.get("/no/such/page/")
    assert response.status_code == 404
    assert "There is nothing here" in text_of(response.content.decode())


def test_a_bad_request_says_what_is_wrong(world):
    response = Pages(world.owner).client.get("/changesets/", {"state": "sideways"})
    assert response.status_code == 400
    assert "State is one of open" in text_of(response.content.decode())


def test_forms_need_their_token(world):
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    response = client.post("/acme/changesets/2/merge/", {})
    assert response.status_code == 403
    assert "form has expired" in text_of(response.content.decode())


def test_a_failure_has_a_page_too(world, settings, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("slices.views.trees.list_folder", fail)
    client = Client(raise_request_exception=False)
    client.force_login(world.owner)
    response = client.get("/acme/slices/web/")
    assert response.status_code == 500
    assert "Something broke on our side" in text_of(response.content.decode())


def test_the_dashboard_shows_what_concerns_one(world):
    text = text_of(Pages(world.owner).get("/"))
    assert "Second cl-2 in acme/web" in text
    assert "Nobody waits for you" in text
