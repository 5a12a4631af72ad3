"""Webhooks as their administrators use them: set up, looked at, rotated; and by whom."""

from __future__ import annotations

import pytest
from django.db import connection
from django.utils import timezone

from accounts.events import announce
from accounts.models import AuditEvent, Membership, Webhook, WebhookDelivery
from accounts.tests.receivers import deliver, is_signed
from accounts.webhooks.services import create_webhook, ping_webhook
from gitslice.common.secrets import Unreadable, seal, unseal
from tests.api import Api, code_of
from tests.world import World

pytestmark = pytest.mark.django_db

NEW = {"url": "https://hooks.example.com/secret-path", "topics": ["landing", "conflict", "landing"]}


@pytest.fixture
def world():
    return World()


@pytest.fixture
def api(world) -> Api:
    return Api(world.token(world.owner))


def test_a_webhook_is_made_listed_changed_and_deleted(world, api):
    made = api.post("webhooks/acme/", NEW)
    assert made.status_code == 201
    body = made.json()
    assert body.pop("secret").startswith("whsec_")
    assert (body["url"], body["topics"], body["active"]) == (NEW["url"], ["conflict", "landing"], True)
    assert body["created_by"] == "acme-owner"
    one = f"webhooks/acme/{body['id']}/"
    assert api.get("webhooks/acme/").json()["items"] == [api.get(one).json()] == [body]
    changed = api.patch(one, {"active": False, "topics": ["global"]}).json()
    assert changed == body | {"active": False, "topics": ["global"]}
    assert api.delete(one).status_code == 204
    assert code_of(api.get(one)) == (404, "not_found")
    actions = AuditEvent.objects.filter(action__startswith="webhook.").order_by("pk")
    assert [event.action for event in actions] == ["webhook.create", "webhook.change", "webhook.delete"]
    assert not any("secret-path" in str(event.detail) for event in actions)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"url": "https://x.example/"},
        {"topics": ["landing"]},
        NEW | {"topics": []},
        NEW | {"topics": ["access"]},
        NEW | {"url": "ftp://x.example/"},
        NEW | {"url": "file:///etc/passwd"},
        NEW | {"url": "https://"},
        NEW | {"url": "/hook"},
        NEW | {"url": "https://user:password@x.example/"},
        NEW | {"url": "https://x.example\\@10.0.0.1/"},
        NEW | {"url": "https://x.example/#part"},
        NEW | {"url": "https://x.example:99999/"},
        NEW | {"url": "https://x.example:0/"},
        NEW | {"url": "https://[::1/"},
        NEW | {"url": "https://x.example/a b"},
        NEW | {"url": "https://x.example/a\r\nHost: y"},
        NEW | {"url": "https://bücher.example/"},
        NEW | {"url": "https://x.example/" + "a" * 2000},
    ],
)
def test_what_is_no_webhook_is_refused(api, wrong):
    assert code_of(api.post("webhooks/acme/", wrong)) == (400, "invalid_request")
    assert not Webhook.objects.exists()


def test_the_log_is_read_in_pages_and_by_state(world, api):
    webhook, _ = create_webhook(
        actor=world.owner, organization=world.organization, url=NEW["url"], topics=["global"]
    )
    for _ in range(5):
        assert api.post(f"webhooks/acme/{webhook.pk}/ping/", {}).status_code == 202
    WebhookDelivery.objects.filter(pk__gt=WebhookDelivery.objects.order_by("pk")[2].pk).update(state="failed")
    log, seen, cursor = f"webhooks/acme/{webhook.pk}/deliveries/", [], ""
    while cursor is not None:
        page = api.get(log, limit=2, cursor=cursor).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
    newest_first = WebhookDelivery.objects.order_by("-pk").values_list("uuid", flat=True)
    assert seen == [str(uuid) for uuid in newest_first]
    assert len(api.get(log, state="failed").json()["items"]) == 2
    assert code_of(api.get(log, state="lost")) == (400, "invalid_request")
    assert code_of(api.get(log, cursor="Im5vIg")) == (400, "invalid_request")


@pytest.mark.parametrize("count", [2, 20])
def test_lists_ask_as_many_questions_however_long_they_are(world, api, django_assert_num_queries, count):
    for _ in range(count):
        webhook, _ = create_webhook(
            actor=world.owner, organization=world.organization, url=NEW["url"], topics=["global"]
        )
    for _ in range(count):
        ping_webhook(actor=world.owner, webhook=webhook)
    api.get("webhooks/acme/")  # the token's last use is written
    with django_assert_num_queries(5):
        assert len(api.get("webhooks/acme/").json()["items"]) == count
    with django_assert_num_queries(6):
        assert len(api.get(f"webhooks/acme/{webhook.pk}/deliveries/").json()["items"]) == count


def test_an_inactive_webhook_is_not_tried(world, api):
    webhook, _ = create_webhook(
        actor=world.owner,
        organization=world.organization,
        url=NEW["url"],
        topics=["global"],
        active=False,
    )
    assert code_of(api.post(f"webhooks/acme/{webhook.pk}/ping/", {})) == (400, "invalid_request")


def test_while_a_secret_is_rotated_both_sign_for_a_day(world, api, receiver):
    made = api.post("webhooks/acme/", NEW | {"url": receiver.url}).json()
    one = f"webhooks/acme/{made['id']}/"
    new = api.post(f"{one}rotate/", {}).json()["secret"]
    assert new != made["secret"]
    api.post(f"{one}ping/", {})
    deliver()
    assert is_signed(receiver.received[0], new)
    assert is_signed(receiver.received[0], made["secret"])
    Webhook.objects.update(old_until=timezone.now())
    api.post(f"{one}ping/", {})
    deliver()
    assert is_signed(receiver.received[1], new)
    assert not is_signed(receiver.received[1], made["secret"])


def test_the_same_request_makes_one_webhook_and_gets_the_same_secret(api):
    first, again = (api.post("webhooks/acme/", NEW, **{"Idempotency-Key": "k"}).json() for _ in range(2))
    assert first == again
    assert Webhook.objects.count() == 1
    rotate = f"webhooks/acme/{first['id']}/rotate/"
    second, repeated = (api.post(rotate, {}, **{"Idempotency-Key": "r"}).json() for _ in range(2))
    assert second == repeated
    assert second["secret"] != first["secret"]


def test_secrets_are_told_once_and_kept_sealed(world, api, receiver, caplog, admin_client):
    caplog.set_level("DEBUG")
    made = api.post("webhooks/acme/", NEW | {"url": receiver.url}, **{"Idempotency-Key": "k"}).json()
    one = f"webhooks/acme/{made['id']}/"
    new = api.post(f"{one}rotate/", {}, **{"Idempotency-Key": "r"}).json()["secret"]
    api.post(f"{one}ping/", {})
    deliver()
    told = [api.get(path).content.decode() for path in ("webhooks/acme/", one, f"{one}deliveries/")]
    told += [page.content.decode() for page in _admin_pages(admin_client, made["id"])]
    told += [caplog.text, _all_rows()]
    assert receiver.received
    for secret in (made["secret"], new):
        assert not any(secret.removeprefix("whsec_") in text for text in told)


def _admin_pages(client, webhook_id):
    delivery = WebhookDelivery.objects.get()
    for page in (f"webhook/{webhook_id}/change/", "webhook/", f"webhookdelivery/{delivery.pk}/change/"):
        yield client.get(f"/admin/accounts/{page}")


def _all_rows() -> str:
    """Everything that the database holds."""
    with connection.cursor() as cursor:
        tables = connection.introspection.table_names(cursor)
        texts = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def test_a_changed_key_opens_what_its_fallback_sealed(settings):
    sealed = seal("whsec_x")
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", [settings.SECRET_KEY]
    assert unseal(sealed) == "whsec_x"
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(Unreadable):
        unseal(sealed)


def test_staff_see_the_log_and_redeliver(world, api, receiver, admin_client):
    made = api.post("webhooks/acme/", NEW | {"url": receiver.url}).json()
    api.post(f"webhooks/acme/{made['id']}/ping/", {})
    deliver()
    delivery = WebhookDelivery.objects.get()
    page = "/admin/accounts/webhookdelivery/"
    assert str(delivery.uuid) in admin_client.get(page).content.decode()
    admin_client.post(page, {"action": "redeliver", "_selected_action": [delivery.pk]})
    assert deliver() == 1
    assert len(receiver.received) == 2


ROUTES = [
    ("get", "", 200),
    ("post", "", 201),
    ("get", "{id}/", 200),
    ("patch", "{id}/", 200),
    ("post", "{id}/rotate/", 200),
    ("post", "{id}/ping/", 202),
    ("get", "{id}/deliveries/", 200),
    ("post", "{id}/deliveries/{delivery}/redeliver/", 202),
    ("delete", "{id}/", 204),
]


@pytest.mark.parametrize(("method", "route", "allowed"), ROUTES)
def test_owners_and_admins_alone_have_webhooks(world, method, route, allowed):
    world.slice("public", "public/**", visibility="public")  # so that strangers see the organization
    webhook, _ = create_webhook(
        actor=world.owner, organization=world.organization, url=NEW["url"], topics=["changeset"]
    )
    announce(organization_id=world.organization.pk, kind="changeset.create")
    deliver()
    path = "webhooks/acme/" + route.format(id=webhook.pk, delivery=WebhookDelivery.objects.get().uuid)
    other = World("other")
    people = {
        None: (401, "unauthenticated"),
        other.owner: (404, "organization_not_found"),
        world.user("member"): (403, "permission_denied"),
    }
    for person, refusal in people.items():
        assert code_of(_call(Api(person and other.token(person)), method, path)) == refusal
    elsewhere = path.replace("/acme/", "/other/")
    if route:
        assert code_of(_call(Api(other.token(other.owner)), method, elsewhere)) == (404, "not_found")
    admin = Api(world.token(world.user("admin", Membership.Role.ADMIN)))
    assert _call(admin, method, path).status_code == allowed


def _call(api: Api, method: str, path: str):
    body = {"patch": [{"active": True}], "post": [NEW]}.get(method, [])
    return getattr(api, method)(path, *body)
