"""The audit trail: append-only, chained after commit, verified; sign-ins are in it."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import InternalError, ProgrammingError, connection, transaction
from django.test import Client

from accounts.models import AuditEvent, AuditLink
from accounts.services import add_member
from accounts.trail.chaining import chain_events
from accounts.trail.encoding import Entry, digest_of
from accounts.trail.verifying import Head, audit_findings, heads
from gitslice.common.audit import record
from slices.fsck import check_organization
from tests.world import World

pytestmark = pytest.mark.django_db
REFUSED = (ProgrammingError, InternalError)


@pytest.fixture
def world():
    return World()


def happen(world: World, *objects: str) -> None:
    for name in objects:
        record(organization=world.organization, actor=world.owner, action="test.happen", object=name)


def found(world: World, known=()) -> list[str]:
    return [problem for _, problem in audit_findings(world.organization.pk, known)]


def tamper(sql: str, *values: object) -> None:
    """What only the owner of the tables can do."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("accounts_auditevent", "accounts_auditlink"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(sql, values)
        for table in ("accounts_auditevent", "accounts_auditlink"):
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@pytest.mark.parametrize("table", ["accounts_auditevent", "accounts_auditlink"])
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM {}",
        "UPDATE {} SET organization_id = NULL",
        "DELETE FROM {} WHERE false",
        "TRUNCATE {} CASCADE",
    ],
)
def test_the_database_refuses_all_but_new_rows(world, table, statement):
    chain_events()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER not_truncated")
        before = AuditEvent.objects.count(), AuditLink.objects.count()
        with pytest.raises(REFUSED, match="append-only"), transaction.atomic():
            cursor.execute(statement.format(table))
    assert (AuditEvent.objects.count(), AuditLink.objects.count()) == before


def test_nor_does_the_orm_get_round_it(world):
    event = AuditEvent.objects.first()
    event.object = "something else"
    for attempt in (event.save, AuditEvent.objects.filter(pk=event.pk).delete):
        with pytest.raises(REFUSED, match="append-only"), transaction.atomic():
            attempt()


def test_events_get_places_in_a_chain_of_their_organization(world):
    other = World("other")
    happen(world, "a", "b")
    happen(other, "c")
    assert chain_events() == AuditEvent.objects.count() == AuditLink.objects.count()
    assert chain_events() == 0
    for organization in (world.organization, other.organization, None):
        links = AuditLink.objects.filter(organization=organization).order_by("position")
        assert [link.position for link in links] == list(range(1, len(links) + 1))
        assert [link.event_id for link in links] == sorted(link.event_id for link in links)
        assert list(audit_findings(organization.pk if organization else None)) == []


def test_an_encoding_never_changes():
    at = datetime(2026, 1, 31, 12, 34, 56, 7, tzinfo=UTC)
    entry = Entry(2, 7, 3, 5, None, "slice.edit", "acme/ü", {"b": [1, None], "a": 'q"\n'}, "::1", at)
    assert entry.text().decode() == (
        '[2,7,3,5,null,"slice.edit","acme/ü",{"a":"q\\"\\n","b":[1,null]},"::1","2026-01-31T12:34:56.000007Z"]'
    )
    assert (
        digest_of(entry, bytes(32)).hex()
        == "492122f99ed218becd6bcf7d1fe173c8105d293ef7d30a957577b17d2fae0c49"
    )


CHANGES = {
    "object": "UPDATE accounts_auditevent SET object = 'x' WHERE id = %s",
    "actor": "UPDATE accounts_auditevent SET actor_id = NULL WHERE id = %s",
    "detail": "UPDATE accounts_auditevent SET detail = '{\"x\": 1}' WHERE id = %s",
    "time": "UPDATE accounts_auditevent SET at = at + interval '1 microsecond' WHERE id = %s",
    "address": "UPDATE accounts_auditevent SET address = '10.0.0.1' WHERE id = %s",
    "organization": "UPDATE accounts_auditevent SET organization_id = NULL WHERE id = %s",
    "digest": "UPDATE accounts_auditlink SET digest = sha256(digest) WHERE event_id = %s",
    "position": "UPDATE accounts_auditlink SET position = position + 100 WHERE event_id = %s",
    "removal": "WITH link AS (DELETE FROM accounts_auditlink WHERE event_id = %s RETURNING event_id)"
    " DELETE FROM accounts_auditevent WHERE id IN (SELECT event_id FROM link)",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_shows(world, change):
    happen(world, "a", "b", "c")
    chain_events()
    assert found(world) == []
    event = AuditEvent.objects.get(object="b")
    tamper(CHANGES[change], event.pk)
    assert found(world) != []
    assert any("audit event" in str(finding) for finding in check_organization(world.organization))


def test_an_end_that_is_cut_off_shows_to_who_noted_it(world):
    happen(world, "a", "b")
    chain_events()
    known = dict(heads())[world.organization.pk]
    assert found(world, [known]) == []
    tamper(CHANGES["removal"], AuditEvent.objects.get(object="b").pk)
    assert found(world) == []
    assert found(world, [known]) == [f"ends at {known.position - 1}, before {known.position}"]
    happen(world, "another")
    chain_events()
    assert found(world, [known]) == [f"is not what was noted at {known.position}"]
    assert found(world, [Head(1, bytes(32))]) != []


def test_an_old_event_without_a_place_shows(world):
    chain_events()
    tamper("UPDATE accounts_auditevent SET at = at - interval '1 hour'")
    tamper("DELETE FROM accounts_auditlink WHERE organization_id = %s", world.organization.pk)
    assert set(found(world)) == {"has no place in the chain"}


def test_the_command_notes_heads_and_holds_against_them(world, tmp_path):
    happen(world, "a", "b")
    out, noted = StringIO(), tmp_path / "noted"
    call_command("verify_audit", stdout=out, stderr=StringIO())
    noted.write_text(out.getvalue())
    assert re.fullmatch(
        r"(- \d+ [0-9a-f]{64}\n)?acme \d+ [0-9a-f]{64}\n(- \d+ [0-9a-f]{64}\n)?", out.getvalue()
    )
    call_command("verify_audit", known=[noted], stdout=StringIO(), stderr=StringIO())
    tamper(CHANGES["removal"], AuditEvent.objects.get(object="b").pk)
    errors = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_audit", known=[noted], stdout=StringIO(), stderr=errors)
    assert "acme: audit chain" in errors.getvalue()
    assert "1 findings" in errors.getvalue()


@pytest.mark.django_db(transaction=True)
def test_writing_an_event_waits_for_nobody():
    """Two transactions of one organization hold events at once; what commits late is chained where the chain has come to."""
    world = World()
    chain_events()

    def quick() -> float:
        try:
            began = time.monotonic()
            with transaction.atomic():
                happen(world, "quick")
            return time.monotonic() - began
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        happen(world, "slow")
        assert pool.submit(quick).result() < 2
        assert pool.submit(_chained_elsewhere).result() == 1
    assert chain_events() == 1
    newest = (
        AuditLink.objects.filter(organization=world.organization).order_by("position").select_related("event")
    )
    assert [link.event.object for link in newest][-2:] == ["quick", "slow"]
    assert found(world) == []


@pytest.mark.django_db(transaction=True)
def test_many_write_and_chain_at_once():
    world = World()

    def work(number: int) -> None:
        try:
            with transaction.atomic():
                happen(world, f"{number}")
            if number % 5 == 0:
                chain_events()
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(120)))
    chain_events()
    assert AuditLink.objects.count() == AuditEvent.objects.count()
    assert found(world) == []


def _chained_elsewhere() -> int:
    try:
        return chain_events()
    finally:
        connection.close()


def test_what_was_committed_very_late_is_found_by_looking_everywhere(world, monkeypatch):
    happen(world, "late")
    late = AuditEvent.objects.get(object="late")
    happen(world, *map(str, range(5)))
    chain_events()
    tamper("DELETE FROM accounts_auditlink WHERE event_id = %s", late.pk)
    monkeypatch.setattr("accounts.trail.chaining.LATE", 2)
    assert chain_events() == 0
    assert chain_events(everywhere=True) == 1


def sign_in(username: str, password: str) -> Client:
    client = Client()
    client.post("/login/", {"login": username, "password": password})
    return client


def sign_ins() -> list[tuple]:
    events = AuditEvent.objects.filter(action__startswith="user.sign").order_by("pk")
    return list(events.values_list("action", "object", "actor__username", "organization__slug", "address"))


def test_sign_ins_and_refusals_are_events(world):
    user = world.user("ann")
    user.set_password("a long password")
    user.save()
    sign_in("ann", "wrong")
    sign_in("ann", "a long password").post("/logout/")
    assert sign_ins() == [
        ("user.sign_in_refused", "ann", None, "acme", "127.0.0.1"),
        ("user.sign_in", "ann", "ann", "acme", "127.0.0.1"),
        ("user.sign_out", "ann", "ann", "acme", "127.0.0.1"),
    ]


def test_they_are_told_to_every_organization_of_the_user(world):
    other = World("other")
    user = world.user("ann")
    add_member(actor=other.owner, organization=other.organization, user=user)
    Client().force_login(user)
    assert [event[3] for event in sign_ins()] == ["acme", "other"]


def test_what_was_typed_for_a_name_is_not_kept_when_nobody_has_it(world):
    sign_in("my password by mistake", "x")
    assert sign_ins() == [("user.sign_in_refused", "unknown user", None, None, "127.0.0.1")]
    assert "mistake" not in str(list(AuditEvent.objects.values()))


def test_the_use_of_a_token_is_no_sign_in(world, client):
    client.get("/api/v1/me/", headers={"Authorization": f"Bearer {world.token(world.owner)}"})
    assert sign_ins() == []
