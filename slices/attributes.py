"""The `.gitattributes` of a slice at a commit, as far as they say which files are generated."""

from __future__ import annotations

from collections.abc import Iterable

from gitslice.objects.services import read_blobs
from gitslice_core.paths import ancestors
from slices.entries import SYMLINK, entries_at
from slices.generated import ATTRIBUTES, MAX_ATTRIBUTES_BYTES, Attributes
from slices.models import Commit, Slice
from slices.patterns import patterns_of

MAX_FOLDERS = 1_000  # folders that are looked into, those nearest to the top first


def attributes_at(slice: Slice, commit: Commit | None, paths: Iterable[str]) -> Attributes:
    """Those of the folders that the paths stand in, where the slice covers them. Two questions at most."""
    folders = {"", *(folder for path in paths for folder in ancestors(path))}
    nearest = sorted(folders, key=lambda folder: (folder.count("/"), folder))[:MAX_FOLDERS]
    named = {f"{folder}/{ATTRIBUTES}" if folder else ATTRIBUTES: folder for folder in nearest}
    covered = patterns_of(slice).covered(named)
    found = entries_at(slice.organization_id, covered, commit.moment) if commit and covered else {}
    entries = {
        path: entry
        for path, entry in found.items()
        if entry.mode != SYMLINK and entry.size <= MAX_ATTRIBUTES_BYTES
    }
    if not entries:
        return Attributes({})
    contents = read_blobs(slice.organization_id, {entry.digest for entry in entries.values()})
    return Attributes({named[path]: contents[entry.digest] for path, entry in entries.items()})
