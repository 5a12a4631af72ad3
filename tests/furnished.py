"""An organization that has one of everything, for tests that knock at every door: what exists, by the names under which
addresses, queries and bodies ask for it."""

from __future__ import annotations

from typing import Any

from django.test import override_settings
from django.utils import timezone

from accounts.machines.services import create_account_token, create_service_account
from accounts.people.invitations import invite
from accounts.people.teams import create_team
from accounts.scim import groups as scim_groups
from accounts.scim import users as scim_users
from accounts.scim.tokens import create_scim_token
from accounts.webhooks.dispatching import new_delivery
from accounts.webhooks.services import create_webhook
from changesets.models import Review
from changesets.reviewing import review_changeset
from changesets.talking import Said, comment_on_changeset, draft_comment
from conflicts.detection import detect
from conflicts.models import Conflict
from conflicts.services import comment_on_conflict
from slices.global_state.merging import merge_global
from slices.global_state.tags import create_tag
from slices.models import PathHead, SliceRole
from tests.world import World

LINES = b"".join(b"line %d\n" % number for number in range(40))


class FurnishedWorld(World):
    """`real` has what exists, by name of parameter or field."""

    def __init__(self, slug: str = "acme") -> None:
        super().__init__(slug)
        self.real: dict[str, list[Any]] = {"org": [slug], "organization": [slug]}
        self._code()
        self._reviews()
        self._people()

    def _code(self) -> None:
        web = self.slice("web", "web/**", "shared/**", visibility="public")
        shop = self.slice("shop", "shop/**", "shared/**")
        self.ann = self.writer(web, "ann", SliceRole.Role.MAINTAINER)
        SliceRole.objects.create(slice=shop, user=self.ann, role=SliceRole.Role.WRITER)
        first = self.land(web, {"web/a.py": LINES, "web/b/c.txt": b"\0binary", "shared/x.txt": LINES})
        self.land(web, self.edits(self.owner, {"web/link": b"a.py"}, mode="120000"))
        second = self.land(
            shop, {"shop/s.txt": LINES, "shared/x.txt": LINES.replace(b"line 3\n", b"three\n")}
        )
        merged = merge_global(actor=self.owner, organization=self.organization)
        assert merged is not None
        create_tag(
            actor=self.owner, organization=self.organization, name="v1", target=merged[0], message="One"
        )
        last = self.land(web, {"web/a.py": LINES.replace(b"line 7\n", b"seven\n"), "web/b/c.txt": None})
        commits = [bytes(commit.digest).hex() for commit in (first, second, last)]
        self.real |= {
            "name": ["web", "shop", "root"],
            "slice": ["acme/web", "acme/shop", "web"],
            "slices": [["acme/web"], ["web"]],
            "commit": [*commits, "HEAD", "v1", "g1", "global", merged[0].hex],
            "span": ["HEAD...HEAD", "HEAD...v1", "HEAD"],
            "path": ["web/a.py", "web/b", "shared/x.txt", "web/link", "web", ""],
            "paths": [["web/a.py", "shared/x.txt"], ["web/b/c.txt"]],
            "includes": [["web/**"], ["shop/**", "more/*.txt"]],
            "excludes": [["web/b/**"]],
            "folder": ["web", "shop"],
            "tag": ["v2", "v1"],
            "q": ["change", "web"],
            "digest": self._digests(),
            "with": ["acme/shop", "shop"],
        }
        self.real |= dict.fromkeys(("from", "to", "base", "parent", "definition"), self.real["commit"])

    def _digests(self) -> list[str]:
        rows = PathHead.objects.filter(organization=self.organization, mode__isnull=False)
        return [bytes(digest).hex() for digest in rows.values_list("digest", flat=True)]

    def _reviews(self) -> None:
        web, shop = self.organization.slices.get(name="web"), self.organization.slices.get(name="shop")
        one = self.propose(web, {"shared/x.txt": LINES.replace(b"line 20\n", b"twenty\n")}, by=self.ann)
        two = self.propose(shop, {"shared/x.txt": LINES.replace(b"line 20\n", b"XX\n")}, by=self.ann)
        three = self.propose(web, {"web/new.txt": b"new\n"}, by=self.owner)
        said = comment_on_changeset(
            actor=self.owner, changeset=one, body="Why?", path="shared/x.txt", line=20
        )
        draft = draft_comment(actor=self.owner, changeset=one, said=Said(body="Later"))
        review_changeset(actor=self.ann, changeset=three, verdict=Review.Verdict.APPROVE)
        self.land(shop, {"shared/x.txt": LINES.replace(b"line 20\n", b"landed\n")})
        for changeset in (one, two):
            detect(changeset)
        conflicts = list(Conflict.objects.filter(organization=self.organization).order_by("pk"))
        comment_on_conflict(actor=self.owner, conflict=conflicts[0], body="Mine")
        numbers = [one.number, two.number, three.number, 1]
        self.real |= {
            "number": numbers,
            "changeset": [f"cl-{number}" for number in numbers],
            "comment_id": [said.pk],
            "thread_id": [said.thread_id],
            "draft_id": [str(draft.pk)],
            "conflict_id": [conflict.pk for conflict in conflicts],
            "expected_patchset": [1],
            "patchset": ["1"],
        }

    def _people(self) -> None:
        organization, owner = self.organization, self.owner
        team = create_team(actor=owner, organization=organization, slug="core", members=[self.ann])
        create_team(actor=owner, organization=organization, slug="sub", members=[self.ann], parent=team)
        webhook, _ = create_webhook(
            actor=owner, organization=organization, url="https://hooks.example/x", topics=["changesets"]
        )
        delivery = new_delivery(webhook, kind="ping", data={}, at=timezone.now())
        delivery.save()
        with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
            invitation = invite(actor=owner, organization=organization, email="new@acme.example")
        machine = create_service_account(actor=owner, organization=organization, name="ci")
        token, _ = create_account_token(
            actor=owner, organization=organization, account=machine, name="t", scopes=["read"]
        )
        scim_token, self.scim_secret = create_scim_token(actor=owner, organization=organization, name="dir")
        person = scim_users.parse_person(
            {"userName": "dora", "emails": [{"value": "dora@acme.example", "primary": True}]}
        )
        dora = scim_users.create(organization, person, "scim")
        group = scim_groups.create(
            organization,
            scim_groups.parse_group({"displayName": "Staff", "members": [{"value": str(dora.pk)}]}),
            "scim",
        )
        self.real |= {
            "user": ["ann", "dora", machine.username, owner.username],
            "machine": ["ci"],
            "team": ["core", "sub"],
            "holder": ["ann", "team:core", "core"],
            "members": [["ann"], ["dora", "ann"]],
            "owners": [["ann"], ["team:core"]],
            "webhook_id": [webhook.pk],
            "delivery_id": [str(delivery.uuid)],
            "invitation_id": [invitation.pk],
            "token_id": [token.pk, scim_token.pk],
            "resource_id": [str(dora.pk), str(group.pk)],
            "url": ["https://hooks.example/y"],
        }
        self.real |= dict.fromkeys(("author", "actor", "assignee", "mine", "reviewers"), self.real["user"])
