"""Texts of people about a changeset as HTML: with links to changesets and to its files, and with those set off who are
mentioned and may see it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.urls import reverse
from django.utils.safestring import SafeString

from changesets.mentions import MENTION, mentioned_users, name_of
from changesets.models import Changeset, Edit
from slices.views.diffs import anchor_of
from slices.views.markup import Piece, markdown_html

CHANGESET = r"(?<![\w/-])(?:cl-(?P<number>\d{1,15}))(?![\w-])"
WORDS = re.compile(f"{CHANGESET}|{MENTION.pattern}")
CODE_SPAN = re.compile(r"`([^`\n]{1,500})`")


class Texts:
    """Renders the texts of one page; who is mentioned, and which paths are named, is asked once for all of them."""

    def __init__(self, changeset: Changeset, texts: Iterable[str]) -> None:
        bodies = list(texts)
        self._org = changeset.organization.slug
        self._number = changeset.number
        self._names = {user.username for user in mentioned_users(changeset.slice, bodies)}
        coded = {code for body in bodies for code in CODE_SPAN.findall(body)}
        paths = (
            Edit.objects.filter(patchset=changeset.patchset_id, path__in=coded)
            if coded
            else Edit.objects.none()
        )
        self._paths = set(paths.values_list("path", flat=True))

    def html(self, text: str) -> SafeString:
        return markdown_html(text, split=self._split)

    def _split(self, text: str, code: bool) -> Iterator[Piece]:
        if code:
            yield Piece(text, self._file(text) if text in self._paths else "")
            return
        at = 0
        for match in WORDS.finditer(text):
            piece = self._piece(match)
            if piece is not None:
                yield Piece(text[at : match.start()])
                yield piece
                at = match.start() + len(piece.text)
        yield Piece(text[at:])

    def _piece(self, match: re.Match[str]) -> Piece | None:
        if match["number"]:
            address = reverse("changesets:changeset", args=[self._org, int(match["number"])])
            return Piece(match[0], address)
        name = name_of(match)
        return Piece(f"@{name}", strong=True) if name in self._names else None

    def _file(self, path: str) -> str:
        return f"{reverse('changesets:files', args=[self._org, self._number])}#{anchor_of(path)}"
