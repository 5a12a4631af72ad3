"""What a client can get wrong about a patchset: its base, its paths, the contents that it names."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from django.conf import settings
from django.db import connection

from accounts.models import User
from changesets.edits import PathEdit, WantedEdit, apply_to_base, touched_paths
from changesets.errors import InvalidEdit, OutsideSlice, PatchsetTooLarge, UnknownBase, UnknownBlob
from gitslice.objects.services import uploaded_sizes
from slices.entries import Entry, entries_at
from slices.history import CommitNotFound, base_commit
from slices.models import Commit, Slice
from slices.patterns import patterns_of


def based(
    actor: User, slice: Slice, text: str | None, edits: Sequence[WantedEdit]
) -> tuple[Commit | None, list[PathEdit]]:
    """The base commit that `text` names and the edits on it. Raises UnknownBase, and as `check_edits`."""
    paths = contained_paths(slice, edits)
    base = base_of(actor, slice, text)
    standing = entries_at(slice.organization_id, paths, base.moment) if base else {}
    return base, check_edits(actor=actor, slice=slice, edits=edits, standing=standing)


def contained_paths(slice: Slice, edits: Sequence[WantedEdit]) -> list[str]:
    """All paths that the edits touch. Raises InvalidEdit, PatchsetTooLarge, OutsideSlice."""
    if not edits:
        raise InvalidEdit("a patchset needs at least one edit")
    check_count(len(edits))
    paths = touched_paths(edits)
    covers = patterns_of(slice).covers
    outside = [path for path in paths if not covers(path)]
    if outside:
        raise OutsideSlice(str(slice), outside)
    return paths


def check_edits(
    *, actor: User, slice: Slice, edits: Sequence[WantedEdit], standing: Mapping[str, Entry]
) -> list[PathEdit]:
    """Edits of the slice's own paths, on what stands there. Raises InvalidEdit, UnknownBlob."""
    return apply_to_base(edits, standing, _nameable_sizes(actor, slice, edits, standing))


def check_count(count: int) -> None:
    if count > settings.GITSLICE_MAX_EDITS:
        raise PatchsetTooLarge(f"{count} edits; at most {settings.GITSLICE_MAX_EDITS} are allowed")


def base_of(actor: User, slice: Slice, text: str | None) -> Commit | None:
    if text is None:
        return None
    try:
        return base_commit(slice, text, actor)
    except CommitNotFound:
        raise UnknownBase(f"{slice} has no commit {text[:64]}") from None


def _nameable_sizes(
    actor: User, slice: Slice, edits: Sequence[WantedEdit], standing: Mapping[str, Entry]
) -> dict[bytes, int]:
    """Sizes of the blobs that the edits name. A digest is not a permission: only blobs count that the author uploaded,
    or that this slice's history holds. UnknownBlob for all others, whether they exist or not."""
    sizes = {entry.digest: entry.size for entry in standing.values()}
    wanted = {edit.digest for edit in edits if edit.digest is not None} - sizes.keys()
    if wanted:
        sizes |= uploaded_sizes(actor.pk, slice.organization_id, wanted)
        wanted -= sizes.keys()
    if wanted:
        sizes |= _sizes_in_history(slice, wanted)
        wanted -= sizes.keys()
    if wanted:
        raise UnknownBlob([edit.path for edit in edits if edit.digest in wanted])
    return sizes


def _sizes_in_history(slice: Slice, digests: Collection[bytes]) -> dict[bytes, int]:
    covers = patterns_of(slice).covers
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT new_digest, new_size, path FROM slices_pathversion"
            " WHERE organization_id = %s AND new_digest = ANY(%s)",
            [slice.organization_id, list(digests)],
        )
        return {bytes(digest): size for digest, size, path in cursor if covers(path)}
