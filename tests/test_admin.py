"""The administration: every model, for few queries at any size; actions; acting as somebody else for support."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    ApiToken,
    AuditEvent,
    CodeGuess,
    DeviceGrant,
    Domain,
    GroupMapping,
    IdempotencyKey,
    IdentityProvider,
    Invitation,
    Organization,
    Quota,
    ScimGroup,
    ScimToken,
    ScimUser,
    Team,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.people.teams import create_team
from accounts.revocation import remove_factor
from accounts.services import create_user
from accounts.support import KEY
from accounts.trail.chaining import chain_events
from changesets.models import (
    Attention,
    Check,
    Comment,
    CommentVersion,
    DraftComment,
    FileView,
    Review,
    Thread,
)
from conflicts.models import Conflict, ConflictEvent, FailedTask, MailChoice, MailCursor, OpenEdit
from gitslice.common.admin import History
from gitslice.common.errors import PermissionDenied
from gitslice.objects.models import Blob, BlobClaim, CommitSample, Damage, PackRemoval, Redaction
from gitslice.ops.models import MigrationMark
from slices.coverage_counts import count_coverage
from slices.global_state.merging import merge_global
from slices.models import GlobalTag, PathHead, SliceRole
from slices.search.index import follow
from tests.api import Api
from tests.pages import Pages
from tests.world import World

pytestmark = pytest.mark.django_db
OURS = ("accounts", "changesets", "conflicts", "objects", "ops", "slices")
OF_SIGN_IN = [EmailAddress, SocialAccount, Authenticator, UserSession]
MODELS = [model for model in apps.get_models() if model._meta.app_label in OURS]
MADE_BY_MODELS = [model for model in MODELS if not model._meta.auto_created] + OF_SIGN_IN
BUDGET = 14  # session, user, what the theme asks, filters, the list


@pytest.fixture
def superuser():
    user = create_user(username="root", password="correct horse battery")
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
    return User.objects.get(pk=user.pk)


@pytest.fixture
def client(superuser):
    return Pages(superuser).client


def address(model: type[models.Model], page: str = "changelist", *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def fill(world: World, round: int) -> None:
    """Three more rows of every model, each with relations of its own."""
    provider, _ = IdentityProvider.objects.get_or_create(organization=world.organization, protocol="oidc")
    for place in range(3):
        name = f"r{round}n{place}"
        user = world.user(name)
        slice = world.slice(name, f"{name}/**")
        SliceRole.objects.create(slice=slice, user=user, role="writer")
        world.land(slice, {f"{name}/a": f"{name}\n".encode()}, by=user)
        follow(world.organization.pk)
        count_coverage(world.organization.pk)
        change = world.propose(slice, {f"{name}/a": f"{name} b\n".encode()}, by=user)
        Review.objects.create(changeset=change, patchset=change.patchset, reviewer=user, verdict="approve")
        comment = Comment.objects.create(changeset=change, patchset=change.patchset, author=user, body="b")
        CommentVersion.objects.create(comment=comment, body="a")
        of_change = {"changeset": change, "patchset": change.patchset}
        Thread.objects.create(**of_change, path=f"{name}/a", resolved_by=user)
        DraftComment.objects.create(**of_change, author=user, body="c")
        Check.objects.create(patchset=change.patchset, name="tests", state="success", reporter=user)
        Attention.objects.create(changeset=change, user=user, reason="approved")
        FileView.objects.create(changeset=change, user=user, path=f"{name}/a", digest=b"d" * 32)
        create_team(actor=world.owner, organization=world.organization, slug=name, members=[user])
        world.token(user)
        invitation = {"email": f"{name}@b.example", "digest": name.encode(), "expires_at": timezone.now()}
        Invitation.objects.create(organization=world.organization, invited_by=world.owner, **invitation)
        ScimToken.objects.create(
            organization=world.organization, digest=name.encode(), created_by=world.owner
        )
        ScimUser.objects.create(organization=world.organization, user=user, user_name=name)
        ScimGroup.objects.create(team=Team.objects.get(slug=name))
        codes = {"device_digest": name.encode(), "user_digest": name.encode()}
        grant = {"client": "gs", "scopes": ["read"], "interval": 5, "expires_at": timezone.now()}
        DeviceGrant.objects.create(user=user, **codes, **grant)
        CodeGuess.objects.create(user=user)
        EmailAddress.objects.create(user=user, email=f"{name}@b.example", primary=True)
        SocialAccount.objects.create(user=user, provider=f"o{world.organization.pk}", uid=name)
        Authenticator.objects.create(user=user, type="totp", data={"secret": "sealed-text"})
        UserSession.objects.create(user=user, ip="127.0.0.1", session_key=name)
        World(name)  # an organization with its quotas
        MigrationMark.objects.create(app="more", name=name, version="9", breaks_older_code=False)
        Domain.objects.create(organization=world.organization, name=f"{name}.example")
        GroupMapping.objects.create(provider=provider, group=name, team=Team.objects.get(slug=name))
        commit = slice.organization.commits.order_by("-seq").first()
        conflict = Conflict.objects.create(
            organization=world.organization,
            changeset=change,
            patchset=change.current,
            path=f"{name}/a",
            kind="content",
            severity="low",
            their_commit=commit,
        )
        ConflictEvent.objects.create(conflict=conflict, action="opened", actor=user)
        OpenEdit.objects.get_or_create(
            organization=world.organization, path=name, changeset=change, patchset=change.current
        )
        BlobClaim.objects.create(user=world.owner, blob=Blob.objects.order_by("-pk")[0])
        PackRemoval.objects.create(
            organization=world.organization, digest=name.encode(), reason="orphan", due_at=timezone.now()
        )
        Redaction.objects.create(
            organization=world.organization, digest=name.encode(), size=1, reason="leaked", placeholder=b"p"
        )
        Damage.objects.create(
            organization=world.organization, subject=name, problem="lost", seen_at=timezone.now()
        )
        CommitSample.objects.get_or_create(organization=world.organization)
        webhook = Webhook.objects.create(
            organization=world.organization, url="https://x.example/", topics=["landing"], position=0
        )
        WebhookDelivery.objects.create(webhook=webhook, kind="ping", body={})
        IdempotencyKey.objects.create(user=user, key=name, fingerprint=b"x" * 32)
        FailedTask.objects.create(name="conflicts.detect", error="e")
        MailChoice.objects.create(user=user)
        MailCursor.objects.create(position=round * 10 + place)
    merged, _ = merge_global(actor=world.owner, organization=world.organization)
    GlobalTag.objects.create(
        organization=world.organization, name=f"t{round}", target=merged, author=world.owner
    )
    chain_events()


@pytest.fixture
def world():
    return World()


@pytest.fixture
def filled(world):
    fill(world, 1)
    return world


def test_every_model_is_there():
    registered = admin.site._registry
    assert [model._meta.label for model in MADE_BY_MODELS if model not in registered] == []
    for model in MADE_BY_MODELS:
        assert registered[model].search_fields, model
        assert registered[model].list_display != ("__str__",), model


def queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    counting = [query["sql"] for query in captured if "COUNT(" in query["sql"]]
    model = answer.context.get("cl") and answer.context["cl"].model
    if model and isinstance(admin.site._registry[model], History):
        assert counting == [], path
    return len(captured)


def test_lists_and_rows_ask_little_whatever_their_number(filled, client):
    for model in MADE_BY_MODELS:
        client.get(address(model))  # content types and the like are remembered
    few = {model: queries(client, address(model)) for model in MADE_BY_MODELS}
    fill(filled, 2)
    many = {model: queries(client, address(model)) for model in MADE_BY_MODELS}
    assert {model: (few[model], many[model]) for model in many if many[model] > few[model]} == {}
    assert {model: number for model, number in many.items() if number > BUDGET} == {}
    rows = {model: model.objects.order_by("-pk").first() for model in MADE_BY_MODELS}
    assert [model for model, row in rows.items() if row is None] == [], "there is nothing to look at"
    asked = {model: queries(client, address(model, "change", row.pk)) for model, row in rows.items()}
    assert {model: number for model, number in asked.items() if number > BUDGET + 6} == {}


def test_search_and_filters_answer(filled, client):
    for model in MADE_BY_MODELS:
        page = client.get(address(model), {"q": "1"})
        assert page.status_code == 200, model
        links = set(re.findall(r'href="(\?\w+__\w+=[^"&]*)"', page.content.decode()))
        assert {link: client.get(address(model) + link).status_code for link in links} == dict.fromkeys(
            links, 200
        )


def test_what_is_truth_cannot_be_edited(filled, client):
    for model in MADE_BY_MODELS:
        if isinstance(admin.site._registry[model], History):
            row = model.objects.first()
            assert client.get(address(model, "add")).status_code == 403
            assert client.post(address(model, "change", row.pk), {}).status_code == 403
            assert client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_no_secret_is_shown(filled, client):
    secret = filled.token(filled.owner)
    webhook = Webhook.objects.first()
    Webhook.objects.filter(pk=webhook.pk).update(secret="sealed-text")
    token = ApiToken.objects.latest("pk")
    for model, row in ((ApiToken, token), (Webhook, webhook)):
        for page in (address(model), address(model, "change", row.pk)):
            text = client.get(page).content.decode()
            assert secret not in text
            assert bytes(token.digest).hex() not in text
            assert "sealed-text" not in text


def test_a_list_of_many_path_heads_looks_at_few(world, client):
    """The plan must not look at all of 300,000, nor sort or count them."""
    other = World("large").organization.pk
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO slices_pathhead (organization_id, path, mode, digest, size, seq)"
            " SELECT %s, 'dir' || n / 1000 || '/file' || n, '100644', decode(md5(n::text) || md5(n::text), 'hex'), n, 1"
            " FROM generate_series(1, 300000) n",
            [other],
        )
        cursor.execute("ANALYZE slices_pathhead")
    client.get(address(PathHead))
    for query in (
        "",
        f"?organization__id__exact={other}",
        f"?organization__id__exact={other}&q=dir7/file",
        "?p=2",
    ):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address(PathHead) + query).status_code == 200
        asked = [entry["sql"] for entry in captured if 'FROM "slices_pathhead"' in entry["sql"]]
        assert len(asked) == 1
        assert "COUNT(" not in asked[0]
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {asked[0]}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "Seq Scan on slices_pathhead" not in plan, (query, plan)


def test_staff_who_are_not_superusers_do_not_become_it(world, superuser):
    staff = create_user(username="staff", password="correct horse battery")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    staff.user_permissions.set(_permissions())
    client = Pages(staff).client
    assert client.post(address(User, "change", superuser.pk), {"username": "x"}).status_code == 403
    assert client.post(f"/admin/accounts/user/{superuser.pk}/password/", {}).status_code == 403
    body = {
        "username": "staff",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "email": "a@b.example",
    }
    client.post(address(User, "change", staff.pk), body)
    staff = User.objects.get(pk=staff.pk)
    assert staff.email == "a@b.example"
    assert not staff.is_superuser


def _permissions() -> Any:
    from django.contrib.auth.models import Permission

    return Permission.objects.filter(content_type__app_label="accounts")


def act(client: Client, action: str, *rows: models.Model) -> str:
    body = {"action": action, "_selected_action": [row.pk for row in rows]}
    answer = client.post(address(type(rows[0])), body, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def audited(action: str) -> list[str]:
    return list(AuditEvent.objects.filter(action=action).order_by("pk").values_list("object", flat=True))


def test_slices_are_locked_and_unlocked(world, client):
    slice = world.slice("locked", "locked/**")
    assert "acme/locked: locked" in act(client, "lock", slice)
    assert world.fresh(slice).locked
    act(client, "unlock", slice)
    assert not world.fresh(slice).locked
    assert audited("slice.edit")[-2:] == ["acme/locked", "acme/locked"]


def test_tokens_are_revoked(world, client):
    user = world.user("ann")
    secret, other = world.token(user), world.token(user)
    assert Api(secret).get("me/").status_code == 200
    assert "1 revoked" in act(client, "revoke", ApiToken.objects.filter(user=user).earliest("pk"))
    assert Api(secret).get("me/").status_code == 401
    assert Api(other).get("me/").status_code == 200
    act(client, "revoke_all_tokens", user)
    assert Api(other).get("me/").status_code == 401
    event = AuditEvent.objects.filter(action="token.revoke").latest("pk")
    assert (event.actor.username, event.detail["user"]) == ("root", "ann")


def test_deactivation_ends_everything_for_ever(world, client, superuser):
    user = world.user("ann")
    secret, pages = world.token(user), Pages(user)
    assert pages.status("/acme/slices/") == 200
    assert "ann: deactivated" in act(client, "deactivate", user)
    assert Api(secret).get("me/").status_code == 401
    assert pages.status("/") == 302
    User.objects.filter(pk=user.pk).update(is_active=True)
    assert Api(secret).get("me/").status_code == 401
    assert pages.status("/") == 302
    assert audited("user.deactivate") == ["ann"]
    assert "nobody deactivates themselves" in act(client, "deactivate", superuser)
    assert User.objects.get(pk=superuser.pk).is_active


def test_the_form_of_a_user_leaves_them_active(world, client):
    user = world.user("ann")
    assert client.post(address(User, "change", user.pk), {"username": "ann", "email": ""}).status_code == 302
    assert User.objects.get(pk=user.pk).is_active


def test_who_is_reactivated_begins_anew(world, client):
    user = world.user("ann")
    secret = world.token(user)
    act(client, "deactivate", user)
    assert "ann: active again" in act(client, "reactivate", user)
    assert User.objects.get(pk=user.pk).is_active
    assert Api(secret).get("me/").status_code == 401
    assert Api(world.token(user)).get("me/").status_code == 200
    assert audited("user.reactivate") == ["ann"]


def test_members_are_changed_by_the_rules_of_everybody(world, client):
    membership = world.organization.memberships.get(user=world.user("ann"))
    of_owner = world.organization.memberships.get(user=world.owner)
    assert "last owner" in act(client, "make_member", of_owner)
    act(client, "make_owner", membership)
    act(client, "make_member", of_owner)
    assert dict(world.organization.memberships.values_list("user__username", "role")) == {
        "ann": "owner",
        world.owner.username: "member",
    }
    act(client, "remove", of_owner)
    assert "last owner" in act(client, "remove", membership)
    assert list(world.organization.memberships.values_list("user__username", flat=True)) == ["ann"]
    assert audited("member.remove") == [world.owner.username]


def test_a_failed_task_runs_again(filled, client):
    task = FailedTask.objects.first()
    FailedTask.objects.filter(pk=task.pk).update(name="conflicts.sweep", arguments=[])
    assert "Queued" in act(client, "run_again", task)
    assert FailedTask.objects.get(pk=task.pk).retried_at is not None


def test_a_lost_second_factor_is_taken_away(filled, client):
    factor = Authenticator.objects.get(user__username="r1n0")
    assert "taken away" in act(client, "take_away", factor)
    assert not Authenticator.objects.filter(pk=factor.pk).exists()
    assert audited("user.second_factor_remove") == ["r1n0"]


def test_changes_by_hand_are_audited(filled, client):
    user = User.objects.get(username="r1n0")
    client.post(address(User, "change", user.pk), {"username": "r1n0", "first_name": "Ann"})
    event = AuditEvent.objects.get(action="admin.change")
    assert (event.actor.username, event.object) == ("root", "user r1n0")
    assert event.detail["fields"] == ["First name"]
    choice = MailChoice.objects.get(user=user)
    client.post(address(MailChoice, "delete", choice.pk), {"post": "yes"})
    assert audited("admin.delete") == [f"mail choice {choice}"]


def test_limits_are_set_and_what_is_used_is_not(world, client):
    world.slice("one", "one/**")
    quota = world.organization.quotas.get(kind="slices")
    page = address(Quota, "change", quota.pk)
    assert 'name="limit"' in client.get(page).content.decode()
    answer = client.post(page, {"limit": "5", "used": "0", "kind": "bytes"})
    assert answer.status_code == 302
    quota.refresh_from_db()
    assert (quota.kind, quota.limit, quota.used) == ("slices", 5, 1)
    assert audited("admin.change") == ["quota acme: slices"]
    event = AuditEvent.objects.get(action="quota.change")
    assert (event.actor.username, event.organization, event.detail["limit"]) == (
        "root",
        world.organization,
        5,
    )
    assert "is no number of slices" in client.post(page, {"limit": "5G"}).content.decode()
    of_bytes = world.organization.quotas.get(kind="bytes")
    client.post(address(Quota, "change", of_bytes.pk), {"limit": "50G"})
    of_bytes.refresh_from_db()
    assert of_bytes.limit == 50 << 30
    assert 'value="50G"' in client.get(address(Quota, "change", of_bytes.pk)).content.decode()
    client.post(page, {"limit": ""})
    quota.refresh_from_db()
    assert quota.limit is None
    for other in (address(Quota, "add"), address(Quota, "delete", quota.pk)):
        assert client.get(other).status_code == 403
    text = client.get(address(Organization, "change", world.organization.pk)).content.decode()
    assert "0 bytes" in text
    assert "50.0 GB" in text


def test_every_page_of_the_admin_has_its_policy(world, client):
    for page in ("/admin/", address(User), address(User, "add"), address(User, "change", world.owner.pk)):
        answer = client.get(page)
        policy, html = answer["Content-Security-Policy"], answer.content.decode()
        assert "script-src 'self' 'unsafe-eval';" in policy
        assert "'unsafe-inline'" not in policy.partition("script-src")[2].partition(";")[0]
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*json)", html), page
        assert not re.search(r"\son(click|load|change|submit)=", html), page
        assert not re.search(r'(src|href)="(https?:)?//', html), page


def act_as(client: Client, user: User) -> str:
    return act(client, "act_as", user)


def test_a_superuser_acts_as_a_user_with_a_banner_on_every_page(world, client):
    user = world.user("ann")
    html = act_as(client, user)
    assert "act as <strong>ann</strong>" in html
    for page in ("/slices/", "/acme/slices/", "/no/such/page/", "/changesets/"):
        assert "act as <strong>ann</strong>" in client.get(page).content.decode(), page
    assert client.get("/admin/").status_code == 302
    assert client.get("/api/v1/me/").json()["user"] == "ann"
    assert "You are yourself again" in client.post("/support/end/", follow=True).content.decode()
    assert "act as <strong>" not in client.get("/slices/").content.decode()
    assert client.get("/admin/").status_code == 200
    assert audited("support.begin") == audited("support.end") == ["ann"]
    ended = AuditEvent.objects.get(action="support.end")
    assert (ended.actor.username, ended.detail) == ("root", {})


def test_what_is_done_meanwhile_names_both(world, client):
    act_as(client, world.owner)
    client.post("/acme/new-slice/", {"name": "made", "includes": "made/**"})
    event = AuditEvent.objects.get(action="slice.create", object="acme/made")
    assert event.actor == world.owner
    assert event.detail["impersonated_by"] == "root"
    world.slice("later", "later/**")
    assert "impersonated_by" not in AuditEvent.objects.get(object="acme/later").detail


def test_nothing_is_made_that_lets_the_user_in(world, client):
    user = world.user("ann")
    act_as(client, user)
    body = {"name": "mine"}
    answer = client.post("/api/v1/tokens/", body, "application/json", headers={"X-CSRFToken": "x"})
    assert answer.status_code == 403
    assert not user.api_tokens.exists()
    for page in ("/account/", "/account/password/set/", "/account/email/", "/device/", "/sso/"):
        assert client.get(page).status_code == 403, page
        assert client.post(page, {}).status_code == 403, page
    client.post("/support/end/")
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize("what", [{"is_superuser": True}, {"is_staff": True}, {"is_active": False}])
def test_nobody_acts_as_who_administers_or_is_gone(world, client, what):
    user = world.user("ann")
    User.objects.filter(pk=user.pk).update(**what)
    assert "act as" in act_as(client, user)
    assert client.get("/api/v1/me/").json()["user"] == "root"
    assert audited("support.begin") == []


def test_only_superusers_do(world):
    staff = create_user(username="staff")
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    staff.user_permissions.set(_permissions())
    client = Pages(User.objects.get(pk=staff.pk)).client
    act_as(client, world.user("ann"))
    assert client.get("/api/v1/me/").json()["user"] == "staff"


def test_it_ends_by_itself(world, client, superuser):
    user = world.user("ann")
    act_as(client, user)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert client.get("/api/v1/me/").json()["user"] == "root"
    User.objects.filter(pk=user.pk).update(is_staff=False)
    assert client.get("/api/v1/me/").json()["user"] == "ann"
    User.objects.filter(pk=superuser.pk).update(is_superuser=False)
    assert client.get("/api/v1/me/").json()["user"] == "root"
    User.objects.filter(pk=superuser.pk).update(is_superuser=True)
    session = client.session
    session[KEY] = session[KEY] | {"until": int(timezone.now().timestamp()) - 1}
    session.save()
    assert client.get("/api/v1/me/").json()["user"] == "root"


def test_a_forged_session_key_of_somebody_else_does_nothing(world):
    client = Pages(world.user("ann")).client
    session = client.session
    session[KEY] = {"user": world.owner.pk, "until": int(time.time()) + 100}
    session.save()
    assert client.get("/api/v1/me/").json()["user"] == "ann"
    assert settings.SESSION_COOKIE_NAME in client.cookies


def test_staff_do_not_get_the_powers_of_other_staff(world, superuser):
    staff, other = (
        create_user(username="staff"),
        create_user(username="other", password="correct horse battery"),
    )
    User.objects.filter(pk__in=[staff.pk, other.pk]).update(is_staff=True)
    staff.user_permissions.set(_permissions())
    client = Pages(User.objects.get(pk=staff.pk)).client
    assert client.post(address(User, "change", other.pk), {"username": "x"}).status_code == 403
    fields = {
        "password1": "staple battery horse",
        "password2": "staple battery horse",
        "usable_password": "true",
    }
    assert client.post(f"/admin/accounts/user/{other.pk}/password/", fields).status_code == 403
    other.refresh_from_db()
    factor = Authenticator.objects.create(user=other, type="totp", data={"secret": "x"})
    with pytest.raises(PermissionDenied):
        remove_factor(actor=User.objects.get(pk=staff.pk), factor=factor)
    act(client, "deactivate", other)
    other.refresh_from_db()
    assert other.is_active
    assert other.check_password("correct horse battery")
    assert client.get(address(User, "change", staff.pk)).status_code == 200


def test_signing_out_ends_it_in_the_trail_too(world, client):
    act_as(client, world.user("ann"))
    client.post("/logout/")
    assert audited("support.end") == ["ann"]
    left = AuditEvent.objects.get(action="user.sign_out")
    assert (left.actor.username, left.detail) == ("root", {})


def test_no_directory_gets_a_token_meanwhile(world, client):
    act_as(client, world.owner)
    client.post("/acme/settings/scim/", {"token_name": "mine"})
    answer = client.post("/api/v1/orgs/acme/scim-tokens/", {"name": "mine"}, "application/json")
    assert answer.status_code == 403
    assert not ScimToken.objects.exists()


@pytest.mark.parametrize("posted", ["not-a-number", "1.5", "99999999999999999999"])
def test_what_is_no_key_was_not_chosen(client, posted):
    for model, model_admin in admin.site._registry.items():
        names = model_admin.autocomplete_fields
        if names:
            answer = client.post(address(model, "add"), dict.fromkeys(names, posted))
            assert answer.status_code == 200
            assert answer.context["adminform"].form.errors.keys() >= set(names)
            assert not model.objects.exists()
