"""Runs in a process of the system: makes the organization that the clients work in, tells whether work is left, and
afterwards what is really there. Answers with one JSON document."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from accounts.models import Organization
from accounts.services import add_member, create_organization, create_token, create_user
from bench.soak.clients import FIRST, LINES, SHARED_FILES, TEAMS
from changesets.edits import WantedEdit
from changesets.landing import land_patchset
from changesets.models import Changeset
from changesets.services import Proposal, create_changeset
from conflicts.detection import detect
from conflicts.models import Conflict, FailedTask, OpenEdit
from conflicts.open_edits import gaps
from gitslice.common.rows import fetch_row, fetch_rows
from gitslice.objects.services import put_blobs, read_blobs
from gitslice_core.trees import Item, tree_digest
from slices.models import GlobalState, SliceRole
from slices.services import SliceEdit, create_slice, edit_slice

COMMITS = """
SELECT done.message, encode(done.digest, 'hex'), done.file_count, done.merged_paths, version.path,
       encode(version.new_digest, 'hex')
  FROM slices_commit done LEFT JOIN slices_pathversion version
    ON version.organization_id = done.organization_id AND version.seq = done.seq
 WHERE done.organization_id = %s ORDER BY done.seq, version.path
"""
VERSIONS = """
SELECT path, new_mode, new_digest FROM slices_pathversion WHERE organization_id = %s ORDER BY seq, path
"""
HALVES = {
    "patchset without all its edits": """
SELECT patchset.id FROM changesets_patchset patchset LEFT JOIN changesets_edit edit ON edit.patchset_id = patchset.id
 GROUP BY patchset.id HAVING count(edit.path) <> patchset.file_count""",
    "changeset without patchset": "SELECT number FROM changesets_changeset WHERE patchset_id IS NULL",
    "changeset merged without commit, or the other way round": """
SELECT number FROM changesets_changeset WHERE (state = 'merged') <> (commit_id IS NOT NULL)""",
    "commit without a merged changeset": """
SELECT done.seq FROM slices_commit done WHERE NOT EXISTS (
    SELECT FROM changesets_changeset WHERE commit_id = done.id AND number = done.changeset_number)""",
    "edit of content that nobody stored": """
SELECT edit.path FROM changesets_edit edit WHERE edit.digest IS NOT NULL AND NOT EXISTS (
    SELECT FROM objects_blob blob WHERE blob.organization_id = edit.organization_id AND blob.digest = edit.digest)""",
    "key of a request without its answer": "SELECT key FROM accounts_idempotencykey WHERE status IS NULL",
}
IDLE = """
SELECT state, count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
 GROUP BY state
"""


def furnish(count: int) -> dict[str, Any]:
    """An organization with slices that overlap in shared/, and so many people who write in all of them."""
    with transaction.atomic():
        owner = create_user(username="soak-owner", password=secrets.token_urlsafe(12))
        organization = create_organization(slug="acme", owner=owner)
        slices = [
            create_slice(
                actor=owner, organization=organization, name=team, includes=[f"{team}/**", "shared/**"]
            )
            for team in TEAMS
        ]
        edit_slice(actor=owner, slice=slices[-1], edit=SliceEdit(required_approvals=1))
        people = [_person(organization, owner, slices, number) for number in range(count)]
    text = b"".join(b"line %d of a shared file\n" % number for number in range(LINES))
    contents = [b"file %d\n" % number + text for number in range(SHARED_FILES)]
    stored = put_blobs(user=owner, organization=organization, contents=contents)
    edits = [
        WantedEdit("add", f"shared/{number}.txt", "100644", digest)
        for number, (digest, _) in enumerate(stored)
    ]
    changeset = create_changeset(actor=owner, slice=slices[0], title=FIRST, proposal=Proposal(None, edits))
    land_patchset(actor=owner, changeset=changeset)
    return {"people": people}


def _person(organization: Organization, owner: Any, slices: list[Any], number: int) -> dict[str, Any]:
    password = secrets.token_urlsafe(12)
    user = create_user(username=f"soak{number}", password=password)
    administers = number % 8 == 7
    role = "admin" if administers else "member"
    add_member(actor=owner, organization=organization, user=user, role=role)
    for slice in slices:
        SliceRole.objects.create(slice=slice, user=user, role=SliceRole.Role.WRITER)
    _, secret = create_token(user=user, name="soak")
    return {
        "username": user.username,
        "password": password,
        "token": secret,
        "administers": administers,
    }


def unrest() -> dict[str, Any]:
    """What workers still have to do; all zero when the system is at rest."""
    pending = (
        "SELECT count(*) FROM slices_commit done WHERE NOT EXISTS (SELECT FROM slices_mergedcommit merged"
        + (" WHERE merged.organization_id = done.organization_id AND merged.seq = done.seq)")
    )
    late = "SELECT count(*) FROM slices_commit WHERE seq > (SELECT coalesce(max(seq), 0) FROM slices_searchstate)"
    told = {"conflicts not looked for": len(gaps())}
    for name, sql in (("commits not in the global state", pending), ("commits not searchable", late)):
        told[name] = (fetch_row(sql, []) or (0,))[0]
    return told


def inspect() -> dict[str, Any]:
    """Everything that the verdict needs. Detects all conflicts anew, so nothing else may run."""
    organization = Organization.objects.get(slug="acme")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
    standing = _conflicts()
    OpenEdit.objects.all().delete()
    opened = list(Changeset.objects.open().order_by("pk"))
    for changeset in opened:
        detect(changeset)
    return {
        "commits": list(_commits(organization)),
        "changesets": [list(row) for row in Changeset.objects.values_list("title", "number", "state")],
        "halves": {name: [str(row[0]) for row in fetch_rows(sql, [])[:20]] for name, sql in HALVES.items()},
        "global": _replay(organization),
        "conflicts": {"open_changesets": len(opened), "standing": standing, "fresh": _conflicts()},
        "failed_tasks": [f"{task.name}: {task.error[-300:]}" for task in FailedTask.objects.all()[:20]],
    }


def connections() -> dict[str, int]:
    return {str(state): count for state, count in fetch_rows(IDLE, [])}


def _commits(organization: Organization) -> Iterator[list[Any]]:
    """Message, digest, number of files, path -> digest, and the contents of what was merged."""
    rows = fetch_rows(COMMITS, [organization.pk])
    for (message, digest, files), versions in groupby(rows, key=itemgetter(0, 1, 2)):
        same = list(versions)
        merged = json.loads(same[0][3]) if isinstance(same[0][3], str) else same[0][3]
        entries = {row[4]: row[5] for row in same if row[4] is not None}
        wanted = {path: bytes.fromhex(entries[path]) for path in merged if entries.get(path)}
        contents = read_blobs(organization.pk, set(wanted.values())) if wanted else {}
        texts = {path: contents[digest].decode() for path, digest in wanted.items()}
        yield [message, digest, files, entries, texts]


def _replay(organization: Organization) -> dict[str, Any]:
    """The tree that all landings give one after the other, and the one that the global state has."""
    tree: dict[str, Item] = {}
    for path, mode, digest in fetch_rows(VERSIONS, [organization.pk]):
        if mode is None:
            tree.pop(path, None)
        else:
            tree[path] = Item(mode, bytes(digest))
    state = GlobalState.objects.select_related("head").get(organization=organization)
    return {
        "replayed": tree_digest(tree).hex(),
        "stored": bytes(state.head.tree).hex() if state.head else None,
        "number": state.head.number if state.head else 0,
        "problem": state.problem,
        "files": {path: item.digest.hex() for path, item in tree.items()},
    }


def _conflicts() -> list[list[Any]]:
    """The open conflicts, with all that tells one from another."""
    rows = Conflict.objects.filter(state=Conflict.State.OPEN).values_list(
        "changeset__number",
        "their_changeset__number",
        "path",
        "kind",
        "severity",
        "ours__digest",
        "theirs__digest",
    )
    return sorted([list(row) for row in rows], key=str)


def tell(asked: str, *arguments: str) -> None:
    if asked == "furnish":
        answer: Any = furnish(int(arguments[0]))
    else:
        answer = {"unrest": unrest, "inspect": inspect, "connections": connections}[asked]()
    json.dump(answer, sys.stdout)
