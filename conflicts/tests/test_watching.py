"""Event streams, through the product's web process."""

from __future__ import annotations

import json
import socket
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from accounts import services as accounts
from accounts.events import announce, events_after, forget_old, newest_position, settle
from accounts.models import ApiToken, Event
from changesets.talking import comment_on_changeset
from conflicts.detection import detect
from slices.global_state.merging import merge_global
from slices.global_state.tags import create_tag
from slices.models import Slice
from slices.services import SliceEdit, edit_slice
from tests.processes import WebServer, server_environment
from tests.world import World

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 10  # seconds for what takes a fraction of one


class Stream:
    """A watcher: one connection, its events as (id, event, data)."""

    def __init__(
        self, server: WebServer, token: str | None, query: str = "", last: int | None = None
    ) -> None:
        headers = {"Accept": "text/event-stream"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        request = urllib.request.Request(f"{server.url}/api/v1/events/acme/{query}", headers=headers)
        self.answer = urllib.request.urlopen(request, timeout=PATIENCE)
        assert self.answer.headers["Content-Type"] == "text/event-stream"

    def next(self) -> tuple[int, str, dict]:
        fields: dict[str, str] = {}
        while True:
            line = self.answer.readline()
            assert line, "the stream ended"
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name:
                fields[name] = value
            elif "data" in fields:
                return int(fields["id"]), fields["event"], json.loads(fields["data"])
            else:
                fields = {}

    def silent(self, seconds: float = 1.0) -> bool:
        """Whether no event comes for a while; the stream is of no use afterwards."""
        self.answer.fp.raw._sock.settimeout(seconds)  # type: ignore[union-attr]
        try:
            self.next()
        except TimeoutError:
            return True
        return False

    def ends(self) -> bool:
        """Whether the server closes it soon."""
        self.answer.fp.raw._sock.settimeout(PATIENCE)  # type: ignore[union-attr]
        try:
            while self.answer.readline():
                pass
        except TimeoutError:
            return False
        return True

    def close(self) -> None:
        self.answer.close()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def web(world) -> Slice:
    slice = world.slice("web", "web/**", "shared/**")
    world.land(slice, {"web/a": b"one\ntwo\nthree\n"})
    return slice


@pytest.fixture
def server():
    server = WebServer(server_environment())
    yield server
    server.stop()


def test_watchers_hear_what_happens_in_order(world, web, server):
    stream = Stream(server, world.token(world.owner))
    changeset = world.propose(web, {"web/a": b"ours\n"}, title="Ours")
    comment_on_changeset(actor=world.owner, changeset=changeset, body="Look")
    commit = world.merge(changeset).commit
    heard = [stream.next() for _ in range(3)]
    assert [data["type"] for _, _, data in heard] == [
        "changeset.create",
        "changeset.comment",
        "changeset.land",
    ]
    assert {event for _, event, _ in heard} == {"changeset"}
    assert heard[2][2]["commit"] == commit.hex
    positions = [position for position, _, _ in heard]
    assert positions == sorted(positions)


def test_conflicts_are_heard_by_both_sides(world, web, server):
    shop = world.slice("shop", "shared/**", "web/**")
    streams = [
        Stream(server, world.token(world.owner), f"?slice={name}&kinds=conflict") for name in ("web", "shop")
    ]
    one = world.propose(web, {"web/a": b"ours\n"})
    two = world.propose(shop, {"web/a": b"theirs\n"})
    detect(one)
    detect(two)
    for stream in streams:
        _, event, data = stream.next()
        assert (event, data["type"], data["state"]) == ("conflict", "conflict.opened", "open")


def test_a_lost_connection_resumes_where_it_was(world, web, server):
    secret = world.token(world.owner)
    stream = Stream(server, secret)
    first = world.propose(web, {"web/b": b"1\n"}, title="First")
    last, _, data = stream.next()
    assert data["changeset"] == str(first)
    stream.close()
    titles = [f"While away {number}" for number in range(20)]
    for title in titles:
        world.propose(web, {"web/b": b"2\n"}, title=title)
    server.stop()
    server.start()
    again = Stream(server, secret, last=last)
    assert [again.next()[2]["title"] for _ in titles] == titles
    world.propose(web, {"web/b": b"2\n"}, title="Live")
    assert again.next()[2]["title"] == "Live"


def test_who_was_away_too_long_is_told_so(world, web, server):
    secret = world.token(world.owner)
    world.propose(web, {"web/b": b"1\n"})
    settle()
    Event.objects.update(at="2020-01-01T00:00:00Z")
    forget_old()
    assert Stream(server, secret, last=0).next()[1] == "reset"


def test_a_slice_and_oneself(world, web, server):
    other = world.slice("other", "other/**")
    writer = world.writer(web, "writer")
    quiet = Stream(server, world.token(world.owner), "?slice=other")
    mine = Stream(server, world.token(writer), "?mine=1")
    world.propose(web, {"web/b": b"1\n"}, title="Of the owner")
    world.propose(web, {"web/b": b"1\n"}, by=writer, title="Of the writer")
    assert mine.next()[2]["title"] == "Of the writer"
    world.propose(other, {"other/b": b"1\n"}, title="Other")
    assert quiet.next()[2]["title"] == "Other"


def test_unseen_slices_are_not_heard(world, web, server):
    world.slice("hidden", "hidden/**", "shared/**", visibility="private")
    hidden = world.organization.slices.get(name="hidden")
    member = world.token(world.user("member"))
    stream = Stream(server, member)
    world.propose(hidden, {"hidden/a": b"1\n"}, title="Unseen")
    world.land(hidden, {"shared/a": b"1\n"}, title="Unseen too")  # touches `web`, which is seen
    event = stream.next()[2]
    assert event["type"] == "changeset.land"
    assert set(event) == {"type", "time", "commit", "files", "state"}
    with pytest.raises(urllib.error.HTTPError) as caught:
        Stream(server, member, "?slice=hidden")
    assert caught.value.code == 404


def test_rights_that_change_are_noticed_at_once(world, web, server):
    member = world.token(world.user("member"))
    stream = Stream(server, member)
    world.propose(web, {"web/b": b"1\n"}, title="Seen")
    assert stream.next()[2]["title"] == "Seen"
    edit_slice(actor=world.owner, slice=web, edit=SliceEdit(visibility="private"))
    world.propose(web, {"web/b": b"1\n"}, title="Unseen")
    assert stream.silent()


def test_a_revoked_token_ends_its_stream(world, web, server):
    member = world.user("member")
    stream = Stream(server, world.token(member))
    accounts.revoke_token(actor=member, token_id=ApiToken.objects.get(user=member).pk)
    assert stream.ends()


def test_strangers_are_asked_to_sign_in(world, web, server):
    with pytest.raises(urllib.error.HTTPError) as caught:
        Stream(server, None)
    assert caught.value.code == 401


def test_many_watchers_leave_the_threads_to_others(world, web, server):
    secret = world.token(world.owner)
    streams = [Stream(server, secret) for _ in range(60)]  # more than there are threads
    with urllib.request.urlopen(f"{server.url}/livez", timeout=PATIENCE) as answer:
        assert answer.status == 200
    world.propose(web, {"web/b": b"1\n"}, title="To all")
    assert {stream.next()[2]["title"] for stream in streams} == {"To all"}


def test_a_watcher_that_does_not_read_holds_nobody_up(world, web, server):
    secret = world.token(world.owner)
    deaf = socket.create_connection(("127.0.0.1", server.port))
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = f"GET /api/v1/events/acme/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {secret}\r\n\r\n"
    deaf.sendall(request.encode())
    listening = Stream(server, secret)
    for number in range(300):
        announce(
            organization_id=world.organization.pk,
            kind="changeset.note",
            slices=[web.pk],
            body={"number": number, "text": "x" * 5_000},
        )
    assert [listening.next()[2]["number"] for _ in range(300)] == list(range(300))
    deaf.close()


def test_events_of_transactions_that_end_late_are_not_missed(world):
    """A reader never runs past an event that commits after ones that began later."""
    organization = world.organization.pk
    start = time.monotonic()

    def write(number: int) -> None:
        try:
            for turn in range(20):
                with transaction.atomic():
                    announce(organization_id=organization, kind="changeset.note", body={"n": [number, turn]})
                    time.sleep(0.01 * (number % 4))
        finally:
            connection.close()

    settle()
    position, read = newest_position(), []
    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, number) for number in range(8)]
        while len(read) < 160 and time.monotonic() - start < 30:
            settle()
            events = events_after(position, [organization], 50)
            read += [tuple(event.body["n"]) for event in events]
            position = events[-1].position if events else position
        for writer in writers:
            writer.result()
    assert sorted(read) == [(number, turn) for number in range(8) for turn in range(20)]


def test_members_hear_of_batch_merges_and_tags(web_server):
    world = World()
    public = world.slice("public", "public/**", visibility=Slice.Visibility.PUBLIC)
    stream = Stream(web_server, world.token(world.user("member")), "?kinds=global")
    outsiders = [
        Stream(web_server, token) for token in (None, world.token(world.user("stranger", role=None)))
    ]
    world.land(world.root, {"secret/a": b"1"})
    merged, _ = merge_global(actor=world.owner, organization=world.organization)
    create_tag(actor=world.owner, organization=world.organization, name="v1", target=merged)
    told = [stream.next() for _ in range(3)]
    assert [(topic, data["type"]) for _, topic, data in told] == [
        ("global", "global.started"),
        ("global", "global.merged"),
        ("global", "global.tagged"),
    ]
    assert (told[1][2]["number"], told[1][2]["commit"], told[2][2]["tag"]) == (1, merged.hex, "v1")
    assert not {"commits", "paths", "slices"} & told[1][2].keys()
    stream.close()
    world.land(public, {"public/a": b"1"})
    for outsider in outsiders:
        assert outsider.next()[1:2] == ("changeset",), "the first that outsiders hear is what they may see"
