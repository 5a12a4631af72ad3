from __future__ import annotations

import pytest
from django.core import mail

from accounts.people.teams import create_team
from changesets.reviewing import review_changeset
from changesets.talking import comment_on_changeset
from conflicts.detection import detect
from conflicts.mail import send_news
from conflicts.models import MailChoice
from gitslice import env
from gitslice.configuration.kinds import MAIL
from slices.granting import grant_role
from tests.api import Api
from tests.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def world():
    world = World()
    world.owner.email = "owner@example.com"
    world.owner.save()
    assert send_news() == 0  # from now on
    return world


@pytest.fixture
def web(world):
    slice = world.slice("web", "shared/**")
    world.land(slice, {f"shared/{number}": b"one\n" for number in range(10)})
    return slice


@pytest.fixture
def writer(world, web):
    user = world.writer(web, "writer")
    user.email = "writer@example.com"
    user.save()
    return user


def news() -> dict[str, tuple[str, str]]:
    """Address -> subject and text of what is sent now."""
    mail.outbox = []
    send_news()
    return {message.to[0]: (message.subject, message.body) for message in mail.outbox}


def test_ten_conflicts_of_one_landing_are_one_mail(world, web, writer):
    changeset = world.propose(web, {f"shared/{number}": b"mine\n" for number in range(10)}, by=writer)
    news()
    world.land(web, {f"shared/{number}": b"theirs\n" for number in range(10)})
    detect(changeset)
    [(address, (subject, text))] = news().items()
    assert (address, subject) == ("writer@example.com", "GitSlice: 10 conflicts")
    assert text.count("high: shared/") == 10
    assert news() == {}


def test_clean_ones_are_no_news(world, web, writer):
    changeset = world.propose(web, {"shared/1": b"theirs\n"}, by=writer)
    news()
    world.land(web, {"shared/1": b"theirs\n"})
    detect(changeset)
    assert news() == {}


def test_reviewers_and_authors_hear_of_reviews(world, web, writer):
    changeset = world.propose(web, {"shared/1": b"mine\n"}, by=writer, title="Mine")
    changeset.reviewers.set([world.owner])
    assert news() == {
        "owner@example.com": (
            "GitSlice: 1 review",
            "writer asks you to review cl-2 in acme/web: Mine\n\nhttp://localhost:8000\n",
        )
    }
    comment_on_changeset(actor=world.owner, changeset=changeset, body="Hm")
    review_changeset(actor=world.owner, changeset=changeset, verdict="approve")
    [(address, (subject, text))] = news().items()
    assert (address, subject) == ("writer@example.com", "GitSlice: 2 reviews")
    assert "acme-owner commented on cl-2" in text
    assert "acme-owner approved cl-2" in text


def test_everybody_chooses(world, web, writer):
    api = Api(world.token(writer))
    assert api.get("me/mail/").json() == {"conflicts": True, "reviews": True, "landings": False}
    assert api.patch("me/mail/", {"reviews": False, "landings": True}).status_code == 200
    assert MailChoice.objects.get().landings
    changeset = world.propose(web, {"shared/1": b"mine\n"}, by=writer, title="Mine")
    comment_on_changeset(actor=world.owner, changeset=changeset, body="Hm")
    assert news() == {}
    world.merge(changeset, actor=world.owner)
    assert news()["writer@example.com"][0] == "GitSlice: 1 landing"


def test_nobody_is_told_of_what_they_may_not_see(world, web, writer):
    hidden = world.slice("hidden", "shared/**", visibility="private")
    one = world.propose(hidden, {"shared/1": b"secret\n"}, title="Unseen title")
    two = world.propose(web, {"shared/1": b"mine\n"}, by=writer)
    detect(one)
    detect(two)
    told = news()
    assert "acme/web has cl-3 open" in told["owner@example.com"][1]
    text = told["writer@example.com"][1]
    assert "shared/1" in text
    assert "secret" not in text
    assert "hidden" not in text
    assert "Unseen" not in text


def test_who_sees_a_slice_through_a_team_below_another_is_told(world, web):
    ann = world.user("ann")
    ann.email = "ann@example.com"
    ann.save()
    hidden = world.slice("hidden", "shared/**", visibility="private")
    top = create_team(actor=world.owner, organization=world.organization, slug="top")
    create_team(actor=world.owner, organization=world.organization, slug="below", parent=top, members=[ann])
    world.propose(hidden, {"shared/1": b"mine\n"}, title="Mine").reviewers.set([ann])
    assert news() == {}
    grant_role(actor=world.owner, slice=hidden, name="team:top", role="reader")
    world.propose(hidden, {"shared/2": b"mine\n"}, title="Mine too").reviewers.set([ann])
    assert "Mine too" in news()["ann@example.com"][1]


def test_deactivated_people_hear_nothing(world, web, writer):
    world.propose(web, {"shared/1": b"mine\n"}).reviewers.set([writer])
    writer.is_active = False
    writer.save()
    assert news() == {}


def test_the_mail_url():
    assert env.email("")["EMAIL_BACKEND"].endswith("dummy.EmailBackend")
    told = env.email("smtps://me:p%40ss@mail.example.com")
    assert (told["EMAIL_HOST"], told["EMAIL_PORT"], told["EMAIL_USE_SSL"]) == ("mail.example.com", 465, True)
    assert told["EMAIL_HOST_PASSWORD"] == "p@ss"
    assert env.email("smtp://mail.example.com:587?tls=1")["EMAIL_USE_TLS"]
    for wrong in ("mail.example.com", "smtp://", "smtp://host:port"):
        with pytest.raises(ValueError):  # noqa: PT011
            MAIL.parse(wrong)
