"""Conflicts asked about one by one on a terminal."""

from __future__ import annotations

from gs.conflictview import print_conflict
from gs.context import Context, changeset_path
from gs.editor import edit_bytes
from gs.errors import GsError
from gs.following import Choice
from gs.manual import marked_content, upload_content
from gs.output import say, warn
from gs.style import style

QUESTION = "[o]urs, [t]heirs, [a]uto, [e]dit, [s]kip, [q]uit, [?] "
MEANING = """  o  keep the changeset's version
  t  take theirs
  a  merge both; only where that is clean
  e  open the merge with conflict markers in the editor
  s  leave this one for later
  q  stop; nothing is changed"""
CHOICES = {"o": "ours", "t": "theirs", "a": "auto"}


def ask_all(ctx: Context, organization: str, number: int, conflicts: list[dict]) -> list[Choice]:
    """What was chosen. Raises GsError `failed` when the person quits."""
    detail = ctx.api().get(changeset_path(organization, number))
    choices = []
    for index, conflict in enumerate(conflicts, 1):
        say(style(f"Conflict {index} of {len(conflicts)}", "bold"))
        print_conflict(conflict)
        if choice := ask_one(ctx, organization, detail, conflict):
            choices.append(choice)
        say()
    return choices


def ask_one(ctx: Context, organization: str, detail: dict, conflict: dict) -> Choice | None:
    """One choice, or None when it is left for later."""
    while True:
        answer = input(QUESTION).strip().lower()[:1]
        if answer in CHOICES:
            return Choice({"path": conflict["path"], "choice": CHOICES[answer]})
        if answer == "s":
            return None
        if answer == "q":
            raise GsError("failed", "stopped; nothing was changed")
        if answer != "e":
            say(MEANING)
            continue
        try:
            return edit_conflict(ctx, organization, detail, conflict)
        except GsError as error:
            if error.code not in ("unresolvable", "failed"):
                raise
            warn(error.message)


def edit_conflict(ctx: Context, organization: str, detail: dict, conflict: dict) -> Choice:
    """The choice that the editor leaves behind. Raises GsError `unresolvable` while markers are left."""
    content, _ = marked_content(ctx.api(), detail, conflict)
    edited = edit_bytes(conflict["path"], content)
    mode = conflict["ours"]["mode"]
    return Choice(upload_content(ctx.api(), organization, conflict["path"], mode, edited), edited)
