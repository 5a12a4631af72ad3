"""Each side sees a conflict from its own end; who may not see the other side learns only that there is one."""

from __future__ import annotations

import json

import pytest

from conflicts.detection import detect
from conflicts.models import Conflict
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db

SECRET = b"def calculate_tax():\n    return secret_rate\n"


@pytest.fixture
def world():
    return World()


@pytest.fixture
def shop(world):
    slice = world.slice("shop", "shared/**")
    world.land(slice, {"shared/tax.py": b"def calculate_tax():\n    return 0\n"})
    return slice


@pytest.fixture
def hidden(world, shop):
    return world.slice("hidden", "shared/**", visibility="private")


@pytest.fixture
def writer(world, shop):
    return world.writer(shop, "writer")


@pytest.fixture
def conflict(world, shop, hidden, writer) -> Conflict:
    ours = world.propose(hidden, {"shared/tax.py": SECRET}, title="Unseen title")
    theirs = world.propose(
        shop, {"shared/tax.py": b"def calculate_tax():\n    return 19\n"}, by=writer, title="Our title"
    )
    detect(ours)
    detect(theirs)
    return Conflict.objects.get()


def test_who_sees_both_sides_sees_everything(world, conflict):
    body = Api(world.token(world.owner)).get(f"conflicts/acme/{conflict.pk}/").json()
    assert (body["kind"], body["severity"], body["blocks"]) == ("content", "high", False)
    assert body["sides"]["theirs"]["changeset"] == "cl-3"
    assert body["hunks"][0]["inside"] == "calculate_tax"
    assert "both changed `calculate_tax`; acme/shop has cl-3 open;" in body["hint"]
    assert "re-apply your 1 line, or ask @writer" in body["hint"]


def test_the_other_side_is_turned_round(world, conflict):
    api = Api(world.token(world.owner))
    mine = api.get("conflicts/acme/", changeset="cl-2").json()["items"][0]
    theirs = api.get("conflicts/acme/", changeset="cl-3").json()["items"][0]
    assert (mine["changeset"], theirs["changeset"]) == ("cl-2", "cl-3")
    assert (mine["ours"], mine["theirs"]) == (theirs["theirs"], theirs["ours"])
    assert mine["hunks"][0]["ours"] == theirs["hunks"][0]["theirs"] == ["    return secret_rate"]
    assert mine["hunks"][0]["ours_start"] == theirs["hunks"][0]["theirs_start"]


@pytest.mark.parametrize(
    "address",
    [
        "conflicts/acme/",
        "conflicts/acme/{pk}/",
        "conflicts/acme/{pk}/events/",
        "conflicts/acme/history/?path=shared/tax.py",
    ],
)
def test_who_may_not_see_the_other_side_learns_nothing_of_it(world, conflict, writer, address):
    answer = Api(world.token(writer)).get(address.format(pk=conflict.pk))
    assert answer.status_code == 200
    text = json.dumps(answer.json())
    assert "shared/tax.py" in text
    for leak in ("hidden", "secret_rate", "Unseen", "acme-owner", "cl-2", "content", "high", "calculate_tax"):
        assert leak not in text


def test_nor_by_asking_for_it(world, conflict, writer):
    api = Api(world.token(writer))
    assert len(api.get("conflicts/acme/").json()["items"]) == 1
    for query in ({"severity": "high"}, {"kind": "content"}, {"with": "open"}):
        assert api.get("conflicts/acme/", **query).json()["items"] == []
    for slice in ("hidden", "nowhere"):
        assert code_of(api.get("conflicts/acme/", slice=slice)) == (404, "slice_not_found")
    for changeset in ("cl-2", "cl-9999"):
        assert code_of(api.get("conflicts/acme/", changeset=changeset)) == (404, "changeset_not_found")
    answer = api.post(f"conflicts/acme/{conflict.pk}/comments/", {"body": "who are you?"})
    assert code_of(answer) == (403, "permission_denied")


def test_nor_what_people_of_the_other_side_say_and_decide(world, conflict, writer):
    owner = Api(world.token(world.owner))
    assert owner.post(f"conflicts/acme/{conflict.pk}/comments/", {"body": "quietly"}).status_code == 201
    for address in (f"conflicts/acme/{conflict.pk}/events/", "conflicts/acme/history/?path=shared/tax.py"):
        events = Api(world.token(writer)).get(address).json()["items"]
        assert [(event["action"], event["detail"]) for event in events] == [("opened", {})]
        assert [event["action"] for event in owner.get(address).json()["items"]] == ["opened", "commented"]


def test_nor_the_name_of_what_is_added_below_a_file(world, shop, hidden, writer):
    below = world.propose(hidden, {"shared/new/unannounced.txt": b"1\n"})
    file = world.propose(shop, {"shared/new": b"2\n"}, by=writer)
    detect(below)
    detect(file)
    api, owner = Api(world.token(writer)), Api(world.token(world.owner))
    pk = Conflict.objects.get().pk
    for address in ("conflicts/acme/", "conflicts/acme/history/"):
        assert [item["path"] for item in api.get(address, path="shared/new").json()["items"]] == [
            "shared/new"
        ]
        assert api.get(address, path="shared/new/unannounced.txt").json()["items"] == []
        for path in ("shared/new", "shared/new/unannounced.txt"):
            assert len(owner.get(address, path=path).json()["items"]) == 1
    assert "unannounced" not in json.dumps(api.get(f"conflicts/acme/{pk}/events/").json())
    [turned] = owner.get("conflicts/acme/", changeset=str(file)).json()["items"]
    assert turned["hint"].startswith("they add shared/new/unannounced.txt, you add shared/new as a file; ")


def test_who_sees_neither_side_sees_no_conflict(world, conflict, shop):
    shop.visibility = "private"
    shop.save(update_fields=["visibility"])
    stranger = Api(world.token(world.user("stranger")))
    assert stranger.get("conflicts/acme/").json()["items"] == []
    assert code_of(stranger.get(f"conflicts/acme/{conflict.pk}/")) == (404, "conflict_not_found")
    assert code_of(stranger.get(f"conflicts/acme/{conflict.pk}/events/")) == (404, "conflict_not_found")


def test_a_landed_side_has_no_name_for_who_may_not_see_its_slice(world, shop, hidden, writer):
    changeset = world.propose(shop, {"shared/tax.py": b"def calculate_tax():\n    return 19\n"}, by=writer)
    world.land(hidden, {"shared/tax.py": SECRET})
    body = Api(world.token(writer)).get(f"changesets/acme/{changeset.number}/review/").json()
    assert body["readiness"] == "has_conflicts"
    assert body["conflicts"][0]["sides"]["theirs"]["slice"] is None
    assert "hidden" not in json.dumps(body)
    answer = Api(world.token(writer)).post(f"changesets/acme/{changeset.number}/merge/", {})
    assert answer.status_code == 409
    assert "hidden" not in json.dumps(answer.json())


def test_people_assign_it_and_talk_about_it(world, conflict, writer):
    api = Api(world.token(world.owner))
    assert (
        api.patch(f"conflicts/acme/{conflict.pk}/", {"assignee": "acme-owner"}).json()["assignee"]
        == "acme-owner"
    )
    answer = api.patch(f"conflicts/acme/{conflict.pk}/", {"assignee": "writer"})
    assert code_of(answer) == (400, "invalid_request")  # does not see the other side
    assert code_of(api.patch(f"conflicts/acme/{conflict.pk}/", {"assignee": "nobody"}))[0] == 404
    assert api.post(f"conflicts/acme/{conflict.pk}/comments/", {"body": "Mine first?"}).status_code == 201
    events = api.get(f"conflicts/acme/{conflict.pk}/events/").json()["items"]
    assert [event["action"] for event in events] == ["opened", "assigned", "commented"]
    assert events[2]["body"] == "Mine first?"
    assert [row["id"] for row in api.get("conflicts/acme/", assignee="acme-owner").json()["items"]] == [
        conflict.pk
    ]
