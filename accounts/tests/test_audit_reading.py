"""The audit trail as owners and admins read it: the API's list and export, and the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditEvent, AuditLink, Membership
from accounts.trail.chaining import chain_events
from gitslice.common.audit import record
from tests.api import Api, code_of
from tests.pages import Pages, text_of
from tests.world import World

pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).parents[2] / "docs" / "audit.md"


@pytest.fixture
def world():
    world = World()
    world.slice("web", "web/**")
    return world


@pytest.fixture
def api(world):
    return Api(world.token(world.owner))


def happen(world: World, number: int, **facts) -> None:
    for place in range(number):
        usual = {"actor": world.owner, "action": "test.happen", "object": f"thing {place}"}
        record(organization=world.organization, **(usual | facts))


def objects(api: Api, **wanted) -> list[str]:
    answer = api.get("audit/acme/", **wanted)
    assert answer.status_code == 200, answer.content
    return [event["object"] for event in answer.json()["items"]]


def verified(lines: bytes) -> subprocess.CompletedProcess:
    """What the program in the document says of an export."""
    program = re.search(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]
    assert len(program.strip().splitlines()) <= 15
    return subprocess.run([sys.executable, "-c", program], input=lines, capture_output=True, check=False)


def test_the_list_tells_who_did_what_from_where(world, api):
    event = api.get("audit/acme/", action="slice.create").json()["items"][0]
    assert event["actor"] == "acme-owner"
    assert event["object"] == "acme/web"
    api.post("slices/acme/", {"name": "other", "includes": ["other/**"]})
    event = api.get("audit/acme/").json()["items"][0]
    assert (event["action"], event["address"], event["token"][:4]) == ("slice.create", "127.0.0.1", "gst_")
    assert event["position"] == AuditLink.objects.filter(organization=world.organization).count()


def test_filters(world, api):
    ann = world.user("ann")
    happen(world, 2)
    happen(world, 1, actor=ann, action="slice.edit", object="acme/Web")
    assert objects(api, actor="ann") == ["acme/Web"]
    assert objects(api, actor="nobody") == []
    assert objects(api, action="slice.edit") == ["acme/Web"]
    assert objects(api, action="slice") == ["acme/Web", "acme/web", "acme/root"]
    assert objects(api, action="slic") == []
    assert objects(api, object="web") == ["acme/Web", "acme/web"]
    assert objects(api, object="100%") == []
    assert objects(api, action="test.happen", object="thing", actor="acme-owner") == ["thing 1", "thing 0"]


def test_times(world, api):
    now = timezone.now()
    happen(world, 1)
    today, tomorrow, yesterday = (str((now + timedelta(days=d)).date()) for d in (0, 1, -1))
    at = AuditEvent.objects.get(action="test.happen").at
    assert "thing 0" in objects(api, since=today, until=tomorrow)
    assert objects(api, since=tomorrow) == []
    assert objects(api, until=yesterday) == []
    assert objects(api, since=at.isoformat(), until=at.isoformat()) == ["thing 0"]
    assert objects(api, since=(at + timedelta(microseconds=1)).isoformat(), action="test") == []


@pytest.mark.parametrize(
    "query",
    [
        {"since": "yesterday"},
        {"until": "2026-13-45"},
        {"since": "9999-12-31T23:59:59Zx"},
        {"until": "9999-12-31"},
        {"actor": "a\0"},
        {"cursor": "WyJhIl0"},
        {"limit": "none"},
    ],
)
def test_bad_questions_are_told(world, api, query):
    assert code_of(api.get("audit/acme/", **query)) == (400, "invalid_request")


def test_pages_of_the_list(world, api):
    happen(world, 7)
    first = api.get("audit/acme/", limit=4, action="test").json()
    second = api.get("audit/acme/", limit=4, action="test", cursor=first["next_cursor"]).json()
    assert [event["object"] for event in first["items"] + second["items"]] == [
        f"thing {place}" for place in reversed(range(7))
    ]
    assert second["next_cursor"] is None


def test_it_is_for_owners_and_admins(world):
    admin = Api(world.token(world.user("admin", Membership.Role.ADMIN)))
    member = Api(world.token(world.user("member")))
    stranger = Api(world.token(world.user("stranger", role=None)))
    for path in ("audit/acme/", "audit/acme/export/"):
        assert admin.get(path).status_code == 200
        assert code_of(member.get(path)) == (403, "permission_denied")
        assert code_of(stranger.get(path)) == (404, "organization_not_found")
        assert code_of(Api(None).get(path)) == (401, "unauthenticated")
        assert code_of(admin.get(path.replace("acme", "other"))) == (404, "organization_not_found")


def test_others_events_are_not_in_it(world, api):
    other = World("other")
    happen(other, 1)
    assert objects(api, action="test") == []
    assert b"thing" not in api.get("audit/acme/export/").getvalue()


def test_the_export_is_verified_by_the_program_in_the_document(world, api):
    happen(
        world,
        3,
        object='Ü \u2028 "quoted" \\ \x7f \n',
        detail={"z": [1, None, True], "ä": {"b": 2, "a": "\x1f"}},
    )
    answer = api.get("audit/acme/export/")
    assert answer["Content-Type"] == "application/x-ndjson"
    lines = answer.getvalue()
    newest = AuditLink.objects.filter(organization=world.organization).order_by("position").last()
    outcome = verified(lines)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout.decode().split() == ["1", str(newest.position), newest.hex]
    assert json.loads(lines.splitlines()[0])["previous"] == "00" * 32


def test_what_is_changed_in_an_export_shows(world, api):
    happen(world, 5)
    lines = api.get("audit/acme/export/").getvalue().splitlines(keepends=True)
    at = len(lines) - 3
    event = json.loads(lines[at])
    for name, value in [
        ("object", "x"),
        ("at", "2020-01-01T00:00:00.000000Z"),
        ("actor_id", 1),
        ("detail", {"a": 1}),
    ]:
        changed = json.dumps(event | {name: value}).encode() + b"\n"
        assert verified(b"".join([*lines[:at], changed, *lines[at + 1 :]])).returncode == 1
    assert verified(b"".join(lines[:at] + lines[at + 1 :])).returncode == 1
    assert verified(b"".join([*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]])).returncode == 1
    assert verified(b"".join(lines)).returncode == 0


def test_an_export_goes_on_where_one_ended(world, api, monkeypatch):
    monkeypatch.setattr("accounts.trail.reading.READ_AT_ONCE", 2)
    happen(world, 5)
    lines = api.get("audit/acme/export/").getvalue().splitlines(keepends=True)
    rest = api.get("audit/acme/export/", after=2).getvalue()
    assert rest == b"".join(lines[2:])
    assert verified(rest).returncode == 0
    assert api.get("audit/acme/export/", after=len(lines)).getvalue() == b""
    for wrong in ("-1", "x", "٣", "9" * 19, "9" * 30):
        assert code_of(api.get("audit/acme/export/", after=wrong)) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/api/v1/audit/acme/", "/acme/audit/"])
def test_lists_ask_the_same_however_long_they_are(world, path):
    pages = Pages(world.owner)

    def queries() -> int:
        chain_events()
        with CaptureQueriesContext(connection) as captured:
            pages.get(path)
        return len(captured)

    few = queries()
    happen(world, 40)
    assert queries() == few <= 12


def test_the_page_shows_and_filters(world):
    happen(world, 2, detail={"version": 7})
    pages = Pages(world.owner)
    text = text_of(pages.get("/acme/audit/"))
    assert "test.happen thing 1" in text
    assert "version 7" in text
    assert "thing 1" not in text_of(pages.get("/acme/audit/", object="thing 0"))
    assert "No event matches" in text_of(pages.get("/acme/audit/", actor="nobody"))
    assert "/api/v1/audit/acme/export/" in pages.get("/acme/audit/")
    assert pages.status("/acme/audit/", since="never") == 400


def test_the_page_has_pages(world):
    happen(world, 60)
    pages = Pages(world.owner)
    first = pages.get("/acme/audit/", action="test")
    cursor = re.search(r"cursor=([\w-]+)", first)[1]
    assert "thing 0" not in first
    assert "thing 0" in pages.get("/acme/audit/", action="test", cursor=cursor)


def test_the_page_is_nothing_to_others(world):
    assert Pages(world.user("admin", Membership.Role.ADMIN)).status("/acme/audit/") == 200
    assert Pages(world.user("member")).status("/acme/audit/") == 403
    assert Pages(world.user("stranger", role=None)).status("/acme/audit/") == 404
    assert Pages(world.owner).status("/other/audit/") == 404
    assert Pages().status("/acme/audit/") == 302


def test_htmx_gets_the_rows_alone(world):
    answer = Pages(world.owner).client.get("/acme/audit/", headers={"HX-Request": "true"})
    assert b"<html" not in answer.content
    assert b"slice.create" in answer.content


def test_the_way_there_is_shown_to_who_may_go(world):
    assert 'href="/acme/audit/"' in Pages(world.owner).get("/acme/people/")
    assert 'href="/acme/audit/"' not in Pages(world.user("member")).get("/acme/people/")
