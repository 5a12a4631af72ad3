"""Every route of the API and every page, as each kind of caller, against the table of accounts/actions.py."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import orjson
import pytest
from django.contrib import admin
from django.contrib.messages import get_messages
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions import ACTIONS, Action, Caller
from accounts.devices.services import begin_grant
from accounts.machines.services import create_account_token, create_service_account
from accounts.models import (
    RESERVED,
    Domain,
    IdentityProvider,
    Invitation,
    ScimToken,
    User,
    Webhook,
    WebhookDelivery,
)
from accounts.people.changes import deactivate
from accounts.people.teams import create_team
from accounts.services import create_organization, create_token
from accounts.sso.saml import new_signing_key
from accounts.tokens import digest_of
from changesets.models import Changeset, Comment, DraftComment, Thread
from changesets.talking import comment_on_changeset
from conflicts.detection import detect
from conflicts.models import Conflict
from gitslice.common.errors import InvalidRequest
from gitslice.common.secrets import seal
from slices.global_state.merging import merge_global
from slices.models import SliceRole
from tests.api import PACK, pack_of
from tests.processes import REPOSITORY
from tests.routes import API, DIRECTORY, METHODS, PAGES, WITHIN, every_route, first_parts
from tests.world import World

pytestmark = pytest.mark.django_db

SIGHTS = {"private": Caller.READER, "organization": Caller.MEMBER, "public": Caller.NOBODY}
LINK = "x" * 43  # of an invitation
KEY, CERTIFICATE = new_signing_key("tests")
DONE, REFUSED, UNSEEN, ASKED = "done", "refused", "unseen", "asked to sign in"
MARKS = {DONE: "yes", REFUSED: "403", UNSEEN: "404", ASKED: "401"}


def test_every_route_has_its_row():
    known = API.keys() | PAGES.keys() | DIRECTORY | WITHIN
    assert {name for name, _ in every_route()} == known
    for methods in (API | PAGES).values():
        assert set(methods.values()) <= ACTIONS.keys()


def test_no_organization_takes_the_address_of_a_page():
    assert first_parts() <= RESERVED
    for name in sorted(RESERVED):
        with pytest.raises(InvalidRequest):
            create_organization(slug=name, owner=User(username="ann"))


def test_the_documentation_has_the_table():
    shown = (REPOSITORY / "docs/permissions.md").read_text()
    assert "\n".join(documented()) in shown


def documented() -> list[str]:
    """The table of docs/permissions.md, for a private slice."""
    callers = list(Caller)
    lines = ["| action | " + " | ".join(caller.name.lower() for caller in callers) + " | scope |"]
    lines.append("|---" * (len(callers) + 2) + "|")
    for name, action in ACTIONS.items():
        marks = [MARKS[expected(action, caller, Caller.READER)] for caller in callers]
        lines.append(f"| `{name}`: {action.does} | {' | '.join(marks)} | {action.scope or 'any'} |")
    return lines


def expected(action: Action, caller: Caller, sight: Caller) -> str:
    sees = sight if action.sees is None else action.sees
    may = sees if action.may is None else max(action.may, sees)
    if caller >= may:
        return DONE
    if caller == Caller.NOBODY:
        return ASKED
    return UNSEEN if caller < sees else REFUSED


class Walk:
    """An organization with one of everything, and somebody who walks through it."""

    def __init__(self, caller: Caller, visibility: str) -> None:
        self.world = world = World()
        self.slice = slice = world.slice("web", "web/**", visibility=visibility)
        self.commit = world.land(slice, {"web/a": b"a\n"})
        second = world.user("second")
        SliceRole.objects.create(slice=slice, user=second, role="reader")
        world.slice("open", "open/**")
        self.changeset = world.propose(slice, {"web/new": b"b\n"})
        self.conflicting = world.propose(slice, {"web/a": b"b\n"})
        world.land(slice, {"web/a": b"c\n"})
        detect(self.conflicting)
        merge_global(actor=world.owner, organization=world.organization)
        of_organization: dict[str, Any] = {"organization": world.organization}
        conflict = Conflict.objects.get(changeset=self.conflicting)
        create_team(actor=world.owner, **of_organization, slug="core", members=[second])
        webhook = Webhook.objects.create(
            **of_organization, url="https://x.example/", topics=["landing"], position=0
        )
        delivery = WebhookDelivery.objects.create(webhook=webhook, kind="ping", body={})
        link = {"email": "x@y.example", "role": "member", "digest": digest_of(LINK)}
        invitation = Invitation.objects.create(
            **of_organization, **link, expires_at=timezone.now() + timedelta(days=1)
        )
        directory = ScimToken.objects.create(**of_organization, name="d", digest=b"2" * 32, hint="gsc_2")
        machine = create_service_account(actor=world.owner, **of_organization, name="ci")
        machines, _ = create_account_token(
            actor=world.owner, **of_organization, account=machine, name="t", scopes=["read"]
        )
        provider = IdentityProvider.objects.create(
            **of_organization, protocol="saml", issuer="https://idp.example", sso_url="https://idp.example/",
            own_key=seal(KEY), own_certificate=CERTIFICATE, certificate=CERTIFICATE, active=True,
        )  # fmt: skip
        Domain.objects.create(**of_organization, name="acme.example", verified_at=timezone.now())
        self.code = begin_grant(client="gs", device_name="", address=None, scopes=["read"]).user_code
        self.user = self._somebody(caller)
        self.own, said = self._said()
        self.tokens = {
            "service-account-token": machines.pk,
            "scim-token": directory.pk,
            "people:revoke-scim-token": directory.pk,
            "people:service-account-revoke-token": machines.pk,
        }
        self.arguments = {
            "org": "acme",
            "name": "web",
            "commit": bytes(self.commit.digest).hex(),
            "number": self.changeset.number,
            "conflict_id": conflict.pk,
            "comment_id": said[0].pk,
            "thread_id": said[0].thread_id,
            "draft_id": said[1].pk,
            "webhook_id": webhook.pk,
            "delivery_id": delivery.uuid,
            "invitation_id": invitation.pk,
            "user": "second",
            "username": "second",
            "holder": "second",
            "team": "core",
            "slug": "core",
            "path": "web/a",
            "span": "HEAD...HEAD",
            "organization_slug": provider.key,
            "token": LINK,
            "key": "none",
            "uidb36": "none",
            "resource_id": "1",
        }
        self.scripts, browser = Client(), Client()
        if self.user is not None:
            browser.force_login(self.user)
            self.token, self.secret = create_token(user=self.user, name="walk")
        self.cookies = {name: morsel.value for name, morsel in browser.cookies.items()}

    def _somebody(self, caller: Caller) -> User | None:
        world = self.world
        if caller == Caller.NOBODY:
            return None
        if caller == Caller.STRANGER:
            user = World("other").owner
        elif caller in (Caller.READER, Caller.WRITER, Caller.MAINTAINER):
            user = world.writer(self.slice, "somebody", caller.name.lower())
        elif caller == Caller.SUPERUSER:
            user = world.user("somebody", None)
            user.is_staff = user.is_superuser = True
        else:
            user = world.user("somebody", caller.name.lower())
        user.set_password("correct horse battery")
        user.save()
        return user

    def _said(self) -> tuple[Changeset, tuple[Comment, DraftComment]]:
        """A changeset of the caller's, with a suggestion and a draft of theirs."""
        own, by = self.world.propose(self.slice, {"web/own": b"b\n"}), self.user or self.world.owner
        Changeset.objects.filter(pk=own.pk).update(author=by)
        place = {"patchset": own.current, "path": "web/own", "start": 1, "line": 1}
        edit = own.current.edits.get()
        thread = Thread.objects.create(changeset=own, digest=edit.digest, quote="b\n", **place)
        said: dict[str, Any] = {"changeset": own, "patchset": own.current, "author": by, "thread": thread}
        comment = Comment.objects.create(**said, body="```suggestion\nc\n```")
        self.suggestion = {"comments": [comment.pk]}
        return own, (comment, DraftComment.objects.create(**said, body="d"))

    def outcome(self, name: str, pattern: Any, method: str) -> str:
        """What comes of asking; the database is as before."""
        with transaction.atomic():
            answer = self.ask(name, pattern, method)
            outcome = self._read(answer)
            transaction.set_rollback(True)
        return outcome

    def ask(self, name: str, pattern: Any, method: str) -> Any:
        arguments = {key: self._argument(name, key) for key in _parameters(pattern)}
        url = reverse(name, kwargs=arguments)
        if name in PAGES or name in FORMS:
            more = {"user_code": self.code, "only": str(self.arguments["comment_id"])}
            form = urlencode(FORMS.get(name, {}) | more)
            return self.browser().generic(method, url, form, "application/x-www-form-urlencoded")
        headers = {"Authorization": f"Bearer {self.secret}"} if self.user else {}
        url += QUERIES.get(name, "")
        if name == "uploads":
            return self.scripts.post(url, pack_of(b"new\n"), PACK, headers=headers)
        wanted = self.suggestion if name == "changeset-suggestions" else BODIES.get((name, method), {})
        body = orjson.dumps(wanted)
        return self.scripts.generic(method, url, body, "application/json", headers=headers)

    def _argument(self, name: str, key: str) -> Any:
        if key == "token_id":
            return self.tokens.get(name) or (self.token.pk if self.user else 0)
        if key == "number" and name == "changeset-resolve":
            return self.conflicting.number
        if key == "number" and name in OF_ONES_OWN:
            return self.own.number
        if key == "commit" and "global" in name:
            return "g1"
        if key == "name" and "service-account" in name:
            return "ci"
        return self.arguments[key]

    def browser(self) -> Client:
        """Signed in anew: what was asked before may have ended the session."""
        browser = Client()
        browser.cookies.load(self.cookies)
        return browser

    def _read(self, answer: Any) -> str:
        location = answer.headers.get("Location", "")
        if answer.status_code == 401 or location.startswith("/login/?next="):
            return ASKED
        if answer.status_code == 404:
            return UNSEEN
        errors = [str(note) for note in get_messages(answer.wsgi_request) if note.level_tag == "error"]
        if answer.status_code == 403 or errors:
            return REFUSED
        assert answer.status_code < 400, (answer.status_code, answer.content[:300])
        return DONE


def _parameters(pattern: Any) -> list[str]:
    return list(pattern.pattern.regex.groupindex)


@pytest.mark.parametrize("caller", list(Caller))
def test_the_table_holds_for_a_private_slice(caller, settings):
    rows = [
        (name, methods) for name, methods in (API | PAGES).items() if caller in TELLING or _differs(methods)
    ]
    walked(Walk(caller, "private"), caller, Caller.READER, rows, settings)


TELLING = (Caller.NOBODY, Caller.STRANGER, Caller.SUPERUSER)


def _differs(methods: dict[str, str]) -> bool:
    """Is it more than one's own, which is the same for all between a stranger and a superuser?"""
    return any(ACTIONS[name].may not in (Caller.NOBODY, Caller.STRANGER) for name in methods.values())


def test_the_deactivated_are_nobody(settings):
    """On pages; a script is told that its token is dead, whatever it asks for."""
    walk, patterns = Walk(Caller.OWNER, "private"), dict(every_route())
    deactivate(walk.user, None, "test")
    walked(walk, Caller.NOBODY, Caller.READER, PAGES.items(), settings)
    for name in API.keys() - FORMS.keys():
        for method in API[name]:
            assert walk.outcome(name, patterns[name], method) == ASKED, (name, method)


@pytest.mark.parametrize("caller", list(Caller))
def test_owners_alone_make_owners(caller):
    walk, patterns = Walk(caller, "private"), dict(every_route())
    BODIES["member", "PATCH"] = {"role": "owner"}
    try:
        found = walk.outcome("member", patterns["member"], "PATCH")
    finally:
        BODIES["member", "PATCH"] = {"role": "admin"}
    assert found == expected(ACTIONS["organization.own"], caller, Caller.READER)


def test_a_directory_is_none_of_them():
    walk = Walk(Caller.SUPERUSER, "private")
    for name, pattern in every_route():
        if name in DIRECTORY:
            for method in METHODS:
                assert walk.outcome(name, pattern, method) == ASKED, (name, method)


@pytest.mark.parametrize("caller", [Caller.NOBODY, Caller.OWNER])
def test_the_administration_is_for_staff(caller):
    walk = Walk(caller, "private")
    for model in admin.site._registry:
        path = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for page in (path, f"{path}add/", f"{path}1/change/", f"{path}1/delete/", f"{path}1/history/"):
            answer = walk.browser().get(page)
            assert answer.headers.get("Location", "").startswith("/admin/login/?next="), (page, answer)


@pytest.mark.parametrize("visibility", ["organization", "public"])
@pytest.mark.parametrize("caller", [Caller.NOBODY, Caller.STRANGER, Caller.MEMBER])
def test_the_table_holds_for_one_that_more_people_see(caller, visibility, settings):
    of_slices = [
        (name, methods)
        for name, methods in (API | PAGES).items()
        if any(ACTIONS[action].sees is None for action in methods.values())
    ]
    walked(Walk(caller, visibility), caller, SIGHTS[visibility], of_slices, settings)


def walked(walk: Walk, caller: Caller, sight: Caller, rows: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    patterns = dict(every_route())
    wrong = []
    for name, methods in rows:
        for method, action in methods.items():
            if name == "events":
                continue  # an open stream: conflicts/tests/test_watching.py
            wanted = expected(ACTIONS[action], caller, sight)
            try:
                found = walk.outcome(name, patterns[name], method)
            except AssertionError as error:
                found = str(error)
            if found != wanted:
                wrong.append(f"{method} {name} ({action}): {found}, not {wanted}")
    assert not wrong, "\n".join(wrong)


# Asked of the caller's own changeset, where they have said something.
OF_ONES_OWN = {
    *("changeset-suggestions", "changeset-comment", "changeset-thread-resolve", "changeset-thread-reopen"),
    *("changeset-draft", "changesets:suggestions", "changesets:change-comment", "changesets:thread"),
}
EDITS = [{"op": "delete", "path": "web/a"}]
QUERIES = {
    "search": "?q=text",
    "slice-file": "?path=web/a",
    "slice-blame": "?path=web/a",
    "slice-diff": "?from=HEAD&to=HEAD",
    "conflict-history": "?path=web/a",
}
BODIES: dict[tuple[str, str], Any] = {
    ("organizations", "POST"): {"organization": "another"},
    ("organization", "PATCH"): {"name": "New"},
    ("members", "POST"): {"user": "second"},
    ("member", "PATCH"): {"role": "admin"},
    ("teams", "POST"): {"team": "new"},
    ("team-members", "POST"): {"user": "second"},
    ("invitations", "POST"): {"email": "new@x.example"},
    ("service-accounts", "POST"): {"name": "new"},
    ("service-account-tokens", "POST"): {"name": "new"},
    ("scim-tokens", "POST"): {"name": "new"},
    ("tokens", "POST"): {"name": "new"},
    ("webhooks", "POST"): {"url": "https://93.184.216.34/", "topics": ["landing"]},
    ("organization-slices", "POST"): {"name": "new", "includes": ["open/new/**"]},
    ("slice-fork", "POST"): {"name": "new", "folder": "web"},
    ("slice-roles", "POST"): {"name": "second", "role": "writer"},
    ("slice-objects", "POST"): {"commit": "HEAD", "all": True},
    ("slice-changesets", "POST"): {"title": "t", "edits": EDITS},
    ("changeset-patchsets", "POST"): {"edits": EDITS},
    ("changeset-reviews", "POST"): {"verdict": "approve"},
    ("changeset-comments", "POST"): {"body": "b"},
    ("changeset-comment", "PATCH"): {"body": "c"},
    ("changeset-drafts", "POST"): {"body": "b"},
    ("changeset-draft", "PATCH"): {"body": "c"},
    ("changeset-reviewers", "POST"): {"add": ["second"]},
    ("changeset-checks", "POST"): {"name": "tests", "state": "success"},
    ("changeset-viewed", "POST"): {"path": "web/new"},
    ("changeset-resolve", "POST"): {"all": "ours"},
    ("conflict", "PATCH"): {"assignee": None},
    ("conflict-comments", "POST"): {"body": "b"},
    ("global-tags", "POST"): {"tag": "v1"},
    ("invitation-accept", "POST"): {"token": LINK},
}
FORMS: dict[str, dict[str, str]] = {
    "device-authorization": {"client_id": "gs"},
    "device-decide": {"decision": "allow"},
    "sso": {"email": "ann@acme.example"},
    "people:profile": {"first_name": "Ann"},
    "people:new-token": {"token_name": "new", "scopes": "read", "expiry": "90"},
    "people:service-accounts": {"name": "new"},
    "people:service-account": {"token_name": "new", "scopes": "read", "expiry": "90"},
    "people:member-role": {"role": "admin"},
    "people:invitations": {"email": "new@x.example", "role": "member"},
    "people:teams": {"slug": "new"},
    "people:team": {"slug": "core", "name": "New"},
    "people:team-add": {"users": "second"},
    "people:team-remove": {"user": "second"},
    "people:webhooks": {"url": "https://93.184.216.34/", "topics": "landing"},
    "people:webhook": {"url": "https://93.184.216.34/", "topics": "landing"},
    "people:settings": {"name": "New"},
    "people:new-scim-token": {"token_name": "new"},
    "sso_provider": {"protocol": "saml", "issuer": "i", "sso_url": "https://idp.example/", "certificate": CERTIFICATE},
    "sso_groups": {"mapping": "group -> core"},
    "sso_domains": {"action": "add", "name": "new.example"},
    "slices:global-tag": {"name": "v1"},
    "slices:new": {"name": "new", "includes": "open/new/**", "visibility": "private"},
    "slices:settings": {"includes": "web/**", "visibility": "private", "owners": "acme-owner", "conflicts": "content", "auto_merge": "clean",
                        "required_approvals": "0"},
    "slices:role-give": {"holder": "second", "role": "writer"},
    "slices:role-take": {"holder": "second"},
    "changesets:comment": {"body": "b"},
    "changesets:viewed": {"viewed": "web/new"},
    "changesets:review": {"verdict": "approve"},
    "changesets:edit": {"text": "changed"},
    "changesets:move": {"to": "web/moved"},
    "changesets:add": {"path": "web/fresh", "text": "x"},
    "changesets:upload": {"again": "1"},
    "changesets:propose": {"title": "t", "edit": '{"op": "delete", "path": "web/a"}'},
    "conflicts:settle": {"drop": "1"},
    "changesets:change-comment": {"body": "c"},
    "changesets:reviewers": {"add": "second"},
    "conflicts:resolve": {"choice": "ours"},
    "conflicts:comment": {"body": "b"},
}  # fmt: skip


@pytest.mark.parametrize("caller", [Caller.NOBODY, Caller.STRANGER, Caller.MEMBER])
def test_what_happens_unseen_changes_no_answer(caller, settings):
    """No list, count, search, hint or ETag of who may not see a slice differs for what happens in it."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    walk = Walk(caller, "public" if caller < Caller.MEMBER else "organization")
    world = walk.world
    hidden = world.slice("hidden", "hidden/**", "web/**", visibility="private")
    world.land(hidden, {"hidden/a": b"a\n"})
    before = answers(walk)
    world.land(hidden, {"hidden/b": b"b\n"})
    world.propose(hidden, {"hidden/a": b"secret\n"}, title="Xylophone")
    detect(world.propose(hidden, {"web/new": b"secret\n"}, title="Xylophone"))
    comment_on_changeset(
        actor=world.owner, changeset=world.propose(hidden, {"hidden/c": b"c\n"}), body="Xylophone"
    )
    after = answers(walk)
    differing = {path for path in before if before[path] != after[path]}
    assert differing == set()
    assert "ylophone" not in repr(after)


def answers(walk: Walk) -> dict[str, Any]:
    """Status, ETag and body of every GET, forms' secrets and times of the day left out."""
    found = {}
    for name, pattern in every_route():
        if "GET" not in (API | PAGES).get(name, {}) or name in TELLING_TIME:
            continue
        answer = walk.ask(name, pattern, "GET")
        body = answer.getvalue() if answer.streaming else answer.content
        found[name] = (answer.status_code, answer.headers.get("ETag"), re.sub(CHANCE, b"", body))
    return found


TELLING_TIME = {"events", "metrics", "readyz", "logout", "account_logout", "saml_metadata"}

# What differs between two answers to the same question.
CHANCE = (
    rb'csrfmiddlewaretoken" value="[^"]*"|hx-headers=\'[^\']*\'|"last_used_at":"[^"]*"|data:image/svg[^"]*'
)
