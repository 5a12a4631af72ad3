"""A small organization to test with: makes people, slices and changesets through the services that people use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from accounts import services as accounts
from accounts.models import Membership, Organization, User
from changesets.edits import WantedEdit
from changesets.landing import Landing, land_patchset
from changesets.models import Changeset
from changesets.services import Proposal, add_patchset, create_changeset
from gitslice.objects.services import put_blobs, read_blobs
from slices.entries import heads
from slices.models import Commit, PathHead, Slice, SliceRole
from slices.services import create_slice

Content = bytes | None  # None deletes the path


class World:
    def __init__(self, slug: str = "acme") -> None:
        self.owner = accounts.create_user(username=f"{slug}-owner")
        self.organization: Organization = accounts.create_organization(slug=slug, owner=self.owner)

    def user(self, username: str, role: str | None = Membership.Role.MEMBER) -> User:
        user = accounts.create_user(username=username)
        if role:
            accounts.add_member(actor=self.owner, organization=self.organization, user=user, role=role)
        return user

    def token(self, user: User, **narrowed: Any) -> str:
        """The secret of a new token; `scopes` and `slices` (ids) narrow it."""
        return accounts.create_token(user=user, name="test", **narrowed)[1]

    @property
    def root(self) -> Slice:
        return self.organization.slices.get(name="root")

    def slice(self, name: str, *includes: str, excludes: list[str] | None = None, **fields: Any) -> Slice:
        slice = create_slice(
            actor=self.owner,
            organization=self.organization,
            name=name,
            includes=list(includes),
            excludes=excludes or [],
        )
        if fields:
            Slice.objects.filter(pk=slice.pk).update(**fields)
        return self.fresh(slice)

    def writer(self, slice: Slice, username: str, role: str = SliceRole.Role.WRITER) -> User:
        user = self.user(username)
        SliceRole.objects.create(slice=slice, user=user, role=role)
        return user

    def fresh(self, slice: Slice) -> Slice:
        return Slice.objects.select_related("organization", "definition", "head").get(pk=slice.pk)

    def edits(self, by: User, files: Mapping[str, Content], mode: str = "100644") -> list[WantedEdit]:
        """Edits that bring the paths to these contents, as seen from the heads now."""
        standing = {path: head.entry for path, head in heads(self.organization.pk, list(files)).items()}
        contents = [content for content in files.values() if content is not None]
        stored = put_blobs(user=by, organization=self.organization, contents=contents) if contents else []
        digests = {content: digest for content, (digest, _) in zip(contents, stored, strict=True)}
        edits = []
        for path, content in files.items():
            if content is None:
                edits.append(WantedEdit("delete", path))
            else:
                op = "modify" if standing.get(path) else "add"
                edits.append(WantedEdit(op, path, mode, digests[content]))
        return edits

    def propose(
        self,
        slice: Slice,
        files: Mapping[str, Content] | list[WantedEdit],
        *,
        by: User | None = None,
        base: str | None = "HEAD",
        title: str = "Change",
    ) -> Changeset:
        by = by or self.owner
        slice = self.fresh(slice)
        edits = files if isinstance(files, list) else self.edits(by, files)
        return create_changeset(
            actor=by,
            slice=slice,
            title=title,
            proposal=Proposal(base if slice.head_id or slice.is_root else None, edits),
        )

    def revise(
        self, changeset: Changeset, files: Mapping[str, Content], *, base: str | None = "HEAD"
    ) -> Changeset:
        edits = self.edits(changeset.author, files)
        return add_patchset(actor=changeset.author, changeset=changeset, proposal=Proposal(base, edits))

    def land(
        self,
        slice: Slice,
        files: Mapping[str, Content] | list[WantedEdit],
        *,
        by: User | None = None,
        title: str = "Change",
    ) -> Commit:
        """Propose and land at once."""
        return self.merge(self.propose(slice, files, by=by, title=title)).commit

    def merge(self, changeset: Changeset, **arguments: Any) -> Landing:
        return land_patchset(actor=arguments.pop("actor", changeset.author), changeset=changeset, **arguments)

    def files(self) -> dict[str, bytes]:
        """The whole tree at its heads."""
        live = list(
            PathHead.objects.filter(organization=self.organization, mode__isnull=False).values_list(
                "path", "digest"
            )
        )
        contents = read_blobs(self.organization.pk, {bytes(digest) for _, digest in live})
        return {path: contents[bytes(digest)] for path, digest in live}
