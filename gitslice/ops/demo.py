"""The demo organization: the Django that is installed here and what it stands on, as one company's tree."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from pathlib import Path

from django.conf import settings
from django.db import transaction

from accounts import services as accounts
from accounts.models import Membership, Organization, Team, User
from accounts.people.teams import create_team
from changesets.edits import WantedEdit
from changesets.landing import land_patchset
from changesets.models import Changeset
from changesets.reviewing import review_changeset
from changesets.services import Proposal, create_changeset
from conflicts.detection import detect
from gitslice.objects.services import put_blobs, read_blobs
from slices.entries import heads
from slices.models import Slice, SliceRole
from slices.services import create_slice

Change = Callable[[bytes], bytes]

SLUG = "acme"
PASSWORD = "demo-password"
TOKEN_FILE = "demo_token"
PACKAGES = ("django", "rest_framework", "celery", "kombu", "asgiref", "sqlparse")
BATCH_BYTES = 32 << 20

TEAMS = {"data": ("alice", "bob"), "web": ("bob", "carol"), "platform": ("dana",)}
SLICES = {  # name -> description, includes, team that maintains it
    "orm": (
        "Models, queries, migrations",
        ("django/db/**", "django/core/exceptions.py", "sqlparse/**"),
        "data",
    ),
    "web": (
        "Requests, views, templates",
        ("django/http/**", "django/views/**", "django/template/**", "django/utils/**"),
        "web",
    ),
    "forms": (
        "Forms and their widgets",
        ("django/forms/**", "django/utils/html.py", "django/core/exceptions.py"),
        "web",
    ),
    "admin": ("The admin site, without translations", ("django/contrib/admin/**",), "web"),
    "rest": ("REST framework", ("rest_framework/**", "django/http/**"), "platform"),
    "queues": ("Task queue and messaging", ("celery/**", "kombu/**", "asgiref/*.py"), "platform"),
}
EXCLUDES = {"admin": ("django/contrib/admin/locale/**",)}


@dataclass
class _Demo:
    organization: Organization
    owner: User
    users: dict[str, User] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    slices: dict[str, Slice] = field(default_factory=dict)


def load() -> bool:
    """Make the demo organization unless it is there already. Gives whether it was made. All of it or nothing."""
    if Organization.objects.filter(slug=SLUG).exists():
        return False
    with transaction.atomic():
        demo = _people()
        _keep_token(demo.users["alice"])
        _import_tree(demo)
        _make_slices(demo)
        _land_history(demo)
        _open_changesets(demo)
    return True


def _people() -> _Demo:
    owner = _user("olga")
    organization = accounts.create_organization(slug=SLUG, name="Acme", owner=owner)
    demo = _Demo(organization, owner, {"olga": owner})
    for team, names in TEAMS.items():
        for name in names:
            if name not in demo.users:
                demo.users[name] = _user(name)
                accounts.add_member(actor=owner, organization=organization, user=demo.users[name])
        members = [demo.users[name] for name in names]
        demo.teams[team] = create_team(actor=owner, organization=organization, slug=team, members=members)
    accounts.add_member(
        actor=owner, organization=organization, user=demo.users["dana"], role=Membership.Role.ADMIN
    )
    return demo


def _keep_token(user: User) -> None:
    """A token for `gs auth login`, in a file that only we can read."""
    _, secret = accounts.create_token(user=user, name="demo")
    descriptor = os.open(token_file(), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secret + "\n")


def token_file() -> Path:
    return settings.GITSLICE_HOME / TOKEN_FILE


def _user(name: str) -> User:
    user = accounts.create_user(username=name, email=f"{name}@acme.example", password=PASSWORD)
    if name == "olga":
        User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)
        user.refresh_from_db()
    return user


def _import_tree(demo: _Demo) -> None:
    edits: list[WantedEdit] = []
    for batch in _batches():
        stored = put_blobs(user=demo.owner, organization=demo.organization, contents=[c for _, _, c in batch])
        for (path, mode, _), (digest, _size) in zip(batch, stored, strict=True):
            edits.append(WantedEdit("add", path, mode, digest))
    root = Slice.objects.select_related("organization", "definition").get(
        organization=demo.organization, name="root"
    )
    _land(demo.owner, root, "Import the tree", sorted(edits, key=lambda edit: edit.path.encode()), base=None)


def _batches() -> Iterator[list[tuple[str, str, bytes]]]:
    batch: list[tuple[str, str, bytes]] = []
    size = 0
    for path, file in _files():
        content = file.read_bytes()
        batch.append((path, "100755" if file.stat().st_mode & 0o100 else "100644", content))
        size += len(content)
        if size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _files() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        spec = PathFinder.find_spec(package)  # not what is loaded: some packages replace themselves
        assert spec is not None
        assert spec.submodule_search_locations, f"{package} is part of the installation"
        folder = Path(spec.submodule_search_locations[0])
        for file in sorted(folder.rglob("*")):
            if (
                file.is_file()
                and "__pycache__" not in file.parts
                and file.suffix not in (".pyc", ".mo", ".so")
            ):
                yield f"{package}/{file.relative_to(folder).as_posix()}", file


def _make_slices(demo: _Demo) -> None:
    for name, (description, includes, team) in SLICES.items():
        slice = create_slice(
            actor=demo.owner,
            organization=demo.organization,
            name=name,
            includes=list(includes),
            excludes=list(EXCLUDES.get(name, ())),
            description=description,
        )
        SliceRole.objects.create(slice=slice, team=demo.teams[team], role=SliceRole.Role.MAINTAINER)
        demo.slices[name] = slice


def _land_history(demo: _Demo) -> None:
    html, response, query = "django/utils/html.py", "django/http/response.py", "django/db/models/query.py"
    _land_edit(
        demo,
        "bob",
        "web",
        "html: say what escape() is for",
        html,
        _noted("Escaping for templates and forms."),
    )
    _land_edit(
        demo, "carol", "forms", "html: name the module's two users", html, _noted("Used by forms and views.")
    )
    _land_edit(
        demo,
        "dana",
        "rest",
        "http: responses are documented in one place",
        response,
        _noted("See docs/http."),
    )
    _land_edit(
        demo,
        "alice",
        "orm",
        "query: note on laziness",
        query,
        _noted("Nothing is fetched before it is needed."),
    )
    _land_edit(
        demo,
        "dana",
        "queues",
        "queues: add a changelog",
        "celery/CHANGELOG.md",
        lambda _: b"# Changes\n\n- Started.\n",
    )


def _open_changesets(demo: _Demo) -> None:
    exceptions, html = "django/core/exceptions.py", "django/utils/html.py"
    ours = _propose(
        demo, "alice", "orm", "exceptions: group by what the caller can do", exceptions, _noted("By remedy.")
    )
    review = _propose(
        demo, "bob", "web", "html: mention the safe string", html, _noted("Gives safe strings."), ["carol"]
    )
    review_changeset(actor=demo.users["carol"], changeset=review, verdict="approve", body="Reads well.")
    _propose(
        demo,
        "dana",
        "queues",
        "queues: say who maintains this",
        "celery/OWNERS",
        lambda _: b"platform\n",
        ["olga"],
    )
    _land_edit(demo, "carol", "forms", "exceptions: group by layer", exceptions, _noted("By layer."))
    detect(ours)


def _noted(note: str) -> Change:
    """An edit that puts a comment on top of a file."""
    return lambda content: f"# {note}\n".encode() + content


def _edit(demo: _Demo, name: str, path: str, change: Change) -> list[WantedEdit]:
    head = heads(demo.organization.pk, [path]).get(path)
    old = head.entry if head else None
    content = read_blobs(demo.organization.pk, [old.digest])[old.digest] if old else b""
    ((digest, _),) = put_blobs(
        user=demo.users[name], organization=demo.organization, contents=[change(content)]
    )
    return [WantedEdit("modify" if old else "add", path, old.mode if old else "100644", digest)]


def _land_edit(demo: _Demo, name: str, slice: str, title: str, path: str, change: Change) -> None:
    _land(demo.users[name], demo.slices[slice], title, _edit(demo, name, path, change))


def _propose(
    demo: _Demo,
    name: str,
    slice: str,
    title: str,
    path: str,
    change: Change,
    reviewers: list[str] | None = None,
) -> Changeset:
    return create_changeset(
        actor=demo.users[name],
        slice=demo.slices[slice],
        title=title,
        proposal=Proposal("HEAD", _edit(demo, name, path, change)),
        reviewers=[demo.users[reviewer] for reviewer in reviewers or []],
    )


def _land(actor: User, slice: Slice, title: str, edits: list[WantedEdit], base: str | None = "HEAD") -> None:
    changeset = create_changeset(actor=actor, slice=slice, title=title, proposal=Proposal(base, edits))
    land_patchset(actor=actor, changeset=changeset)
