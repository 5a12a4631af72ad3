"""What somebody edits: a slice as it stands at a commit, or as the newest patchset of a changeset leaves it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from accounts.models import User
from changesets.amending import standing_after
from changesets.checking import check_edits, contained_paths
from changesets.edits import PathEdit, WantedEdit
from changesets.models import Changeset
from changesets.plans import load_edits
from slices.diffs import FilePair
from slices.entries import Entry, entries_at
from slices.errors import PathNotFound
from slices.models import Commit, Slice
from slices.patterns import patterns_of


@dataclass(frozen=True)
class Ground:
    """`commit` is None while nothing had landed; `edits` are those of the changeset's newest patchset."""

    slice: Slice
    commit: Commit | None
    changeset: Changeset | None = None
    edits: tuple[PathEdit, ...] = ()

    def entries(self, paths: Collection[str]) -> dict[str, Entry]:
        """What stands at those of the paths that the slice covers."""
        covered = patterns_of(self.slice).covered(path for path in paths if "\0" not in path)
        organization = self.slice.organization_id
        base = entries_at(organization, covered, self.commit.moment) if self.commit and covered else {}
        wanted = set(covered)
        return standing_after(base, [edit for edit in self.edits if edit.path in wanted])

    def entry(self, path: str) -> Entry:
        """Raises PathNotFound."""
        found = self.entries([path]).get(path)
        if found is None:
            where = f"{self.changeset} of {self.slice}" if self.changeset else str(self.slice)
            raise PathNotFound(f"{where} has no file {path[:500]}", paths=[path[:500]])
        return found

    def check(self, actor: User, edits: Sequence[WantedEdit]) -> list[PathEdit]:
        """The edits on what stands here, checked as a patchset's are. Raises as a patchset does."""
        standing = self.entries(contained_paths(self.slice, edits))
        return check_edits(actor=actor, slice=self.slice, edits=edits, standing=standing)


def ground_of_changeset(changeset: Changeset) -> Ground:
    """The changeset as it is now; `patchset__base` has to be loaded."""
    patchset = changeset.current
    return Ground(changeset.slice, patchset.base, changeset, load_edits(patchset))


def edit_pairs(edits: Sequence[PathEdit]) -> list[FilePair]:
    """What to compare to show the edits: a rename is one file."""
    bases = {edit.path: edit.base for edit in edits}
    moved = {edit.renamed_from for edit in edits if edit.renamed_from}
    return [
        FilePair(
            edit.path,
            edit.op,
            bases.get(edit.renamed_from) if edit.renamed_from else edit.base,
            edit.new,
            edit.renamed_from,
        )
        for edit in edits
        if edit.path not in moved
    ]
