"""Threads as pages show them: in the conversation, and between the lines of the diff."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from changesets.conversation import comments_of
from changesets.models import Changeset, Comment, DraftComment, Patchset, Place, Thread
from changesets.placing import Placed, placed
from changesets.suggesting import small_diff, suggested, without_suggestion
from changesets.suggestions import can_be_applied
from changesets.talking import drafts_of
from changesets.views.texts import Texts
from slices.access import Access
from slices.views.diffs import anchor_of


@dataclass(frozen=True)
class Shown:
    """A comment or draft, ready for the template. `suggestion` are the rows of a small diff."""

    said: Comment | DraftComment
    text: SafeString
    suggestion: list[tuple[str, str]] | None
    can_apply: bool = False
    mine: bool = False
    draft: bool = False


@dataclass(frozen=True)
class ShownThread:
    """A thread, or the draft of one (`thread` None)."""

    thread: Thread | None
    place: Placed
    about: Thread | DraftComment
    comments: list[Shown]
    can_resolve: bool = False
    quote: list[tuple[int, str]] = field(default_factory=list)

    @property
    def anchor(self) -> str:
        """Of the lines in the diff of the current patchset; once they are gone, in that of the one they were in."""
        path, line = self.place.path or self.about.path, self.place.line
        line = self.about.line if self.place.outdated else line
        side = "L" if self.about.side == Place.Side.OLD else "R"
        return f"{anchor_of(path)}{side}{line}" if line else anchor_of(path)

    @property
    def lines(self) -> str:
        """`12` or `12-15`: where the lines are now, else where they were."""
        start, line = (
            (self.about.start, self.about.line)
            if self.place.outdated
            else (self.place.start, self.place.line)
        )
        if line is None:
            return ""
        return str(line) if start == line else f"{start}-{line}"


class Conversation:
    """All that is said about a changeset, as one person sees it, read in a number of questions that does not grow."""

    def __init__(
        self, request: HttpRequest, changeset: Changeset, access: Access, more: Sequence[str] = ()
    ) -> None:
        self._user = request.user
        self._access = access
        self.changeset = changeset
        self.threads = list(changeset.threads.select_related("resolved_by", "patchset").order_by("pk"))
        self._comments = comments_of(self.threads)
        general = changeset.comments.filter(thread=None).select_related("author", "patchset", "applied_in")
        self.general = list(general.order_by("pk"))
        self.drafts = self._own_drafts()
        self._places = placed(changeset, [*self.threads, *self.drafts])
        self.texts = Texts(changeset, [*self._bodies(), *more])

    def shown_threads(self) -> list[ShownThread]:
        answers: dict[int, list[DraftComment]] = {}
        for draft in self.drafts:
            if draft.thread_id:
                answers.setdefault(draft.thread_id, []).append(draft)
        return [self._thread(thread, answers.get(thread.pk, [])) for thread in self.threads]

    def shown_drafts(self) -> list[ShownThread]:
        """Drafts that would begin a thread, or speak of the changeset."""
        fresh = [draft for draft in self.drafts if draft.thread_id is None]
        return [
            ShownThread(
                None,
                self._places.get(draft.pk, Placed("")),
                draft,
                [self._draft(draft, draft)],
                quote=_numbered(draft),
            )
            for draft in fresh
        ]

    def comment(self, comment: Comment, thread: Thread | None = None) -> Shown:
        wanted = suggested(comment.body) if thread is not None and thread.quote else None
        body = without_suggestion(comment.body) if wanted is not None else comment.body
        rows = small_diff(thread.quoted_lines, wanted) if thread and wanted is not None else None
        applicable = False
        if thread is not None and rows is not None:
            comment.thread = thread
            applicable = self._may_apply() and can_be_applied(comment)
            applicable = applicable and not self._places[thread.pk].outdated
        mine = comment.author_id == self._user.pk
        return Shown(comment, self.texts.html(body), rows, applicable, mine)

    def _thread(self, thread: Thread, answers: Sequence[DraftComment]) -> ShownThread:
        comments = self._comments[thread.pk]
        takes_part = any(comment.author_id == self._user.pk for comment in comments)
        return ShownThread(
            thread,
            self._places[thread.pk],
            thread,
            [self.comment(comment, thread) for comment in comments]
            + [self._draft(draft, thread) for draft in answers],
            can_resolve=self._user.is_authenticated
            and (takes_part or self._is_author() or self._access.can_write),
            quote=_numbered(thread),
        )

    def _draft(self, draft: DraftComment, place: Thread | DraftComment) -> Shown:
        wanted = suggested(draft.body) if place.quote else None
        body = without_suggestion(draft.body) if wanted is not None else draft.body
        rows = small_diff(place.quoted_lines, wanted) if wanted is not None else None
        return Shown(draft, self.texts.html(body), rows, mine=True, draft=True)

    def _own_drafts(self) -> list[DraftComment]:
        if not self._user.is_authenticated:
            return []
        return list(drafts_of(self._user, self.changeset).select_related("author", "patchset"))

    def _bodies(self) -> list[str]:
        said: list[Any] = [*self.general, *self.drafts]
        return [one.body for one in said] + [one.body for some in self._comments.values() for one in some]

    def _is_author(self) -> bool:
        return self.changeset.author_id == self._user.pk

    def _may_apply(self) -> bool:
        closed = self.changeset.state in (Changeset.State.MERGED, Changeset.State.ABANDONED)
        return self._is_author() and self._access.can_write and not closed


def _numbered(place: Thread | DraftComment) -> list[tuple[int, str]]:
    """The lines that it is about, with the numbers that they had."""
    return list(enumerate(place.quoted_lines, place.start or 1))


def notes_between_lines(
    request: HttpRequest, changeset: Changeset, patchset: Patchset
) -> dict[str, dict[str, str]]:
    """Path -> `R12` or `L12` (line 12 of the new or the old side) -> HTML of the threads that end there. In the current
    patchset threads stand where their lines have moved to, in earlier ones where they were written."""
    conversation = Conversation(request, changeset, Access(changeset.slice, request.user))
    current = patchset.pk == changeset.patchset_id
    notes: dict[str, dict[str, str]] = {}
    for shown in [*conversation.shown_threads(), *conversation.shown_drafts()]:
        about = shown.about
        written_here = about.patchset_id == patchset.pk
        path, line = (shown.place.path, shown.place.line) if current else (about.path, about.line)
        if not path or line is None or not (current or written_here):
            continue
        context = {
            "shown": shown,
            "changeset": changeset,
            "org": changeset.organization.slug,
            "in_diff": True,
        }
        html = render_to_string("changesets/parts/thread.html", context, request)
        key = f"{'L' if about.side == Place.Side.OLD else 'R'}{line}"
        there = notes.setdefault(path, {})
        there[key] = there.get(key, "") + html
    return notes
