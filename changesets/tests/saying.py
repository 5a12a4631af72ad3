"""What the tests of conversations share: a file of ten lines, and what is said about them."""

from __future__ import annotations

from changesets.attention import turns
from changesets.conversation import thread_bodies
from changesets.models import Changeset
from changesets.talking import comment_on_changeset

LINES = [b"line %d\n" % number for number in range(1, 11)]


def text(**changed: bytes) -> bytes:
    """Ten lines, of which some (`l3=...`) are others."""
    return b"".join(changed.get(f"l{number}", line) for number, line in enumerate(LINES, 1))


def fresh(changeset):
    related = (
        "organization",
        "slice__organization",
        "slice__definition",
        "author",
        "patchset__base",
        "commit",
    )
    return Changeset.objects.select_related(*related).get(pk=changeset.pk)


def body_of(changeset, at=0):
    changeset = fresh(changeset)
    return thread_bodies(changeset, list(changeset.threads.all()))[at]


def turn_of(changeset):
    return {turn.user.username: turn.reason for turn in turns(fresh(changeset))}


def suggest(changeset, by, new, line=5, start=None):
    body = f"Better:\n```suggestion\n{new}\n```"
    return comment_on_changeset(
        actor=by, changeset=fresh(changeset), body=body, path="web/a", line=line, start=start
    )
