"""The patchsets in which what stands in a changeset now was made, one upon the other."""

from __future__ import annotations

from changesets.models import Changeset, Patchset

Origin = Patchset.Origin
MADE = ("manual", "force")  # decisions by which a resolution brings edits that nobody had handed in


def layers(changeset: Changeset) -> list[Patchset]:
    """The newest first, down to the last one that was handed in whole, which replaced all before it."""
    found: list[Patchset] = []
    for patchset in changeset.patchsets.select_related("base").order_by("-number"):
        found.append(patchset)
        if patchset.origin == Origin.EDIT:
            break
    return found


def hands(changeset: Changeset) -> list[int]:
    """Ids of the users who made the edits that stand there now, the newest first. Rebases, and conflicts that were
    resolved by choosing a side, change nobody's edits."""
    return [patchset.author_id for patchset in layers(changeset) if _made_edits(patchset)]


def _made_edits(patchset: Patchset) -> bool:
    if patchset.origin == Origin.RESOLVE:
        return any(choice in MADE for choice in patchset.decisions.values())
    return patchset.origin != Origin.REBASE
