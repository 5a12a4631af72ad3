"""What a comparison of two patchsets says, done to the tree of one, gives the tree of the other; whatever was renamed."""

from __future__ import annotations

import hashlib
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from changesets.amending import standing_after
from changesets.comparing import compare_patchsets
from changesets.edits import PathEdit, WantedEdit, apply_to_base
from changesets.models import Changeset, Patchset
from slices.entries import Entry

PATHS = "abcd"
ENTRIES = [Entry("100644", hashlib.sha256(bytes([number])).digest(), number) for number in range(5)]
SIZES = {entry.digest: entry.size for entry in ENTRIES}


def some_edits(random: Random, standing: dict[str, Entry]) -> list[PathEdit]:
    wanted: list[WantedEdit] = []
    free = random.sample(PATHS, len(PATHS))
    while free and (not wanted or random.random() < 0.6):
        path, digest = free.pop(), random.choice(ENTRIES).digest
        sources = [source for source in free if source in standing]
        if path in standing and random.random() < 0.5:
            wanted.append(WantedEdit("delete", path))
        elif path in standing:
            other = random.choice([entry for entry in ENTRIES if entry != standing[path]])
            wanted.append(WantedEdit("modify", path, "100644", other.digest))
        elif sources and random.random() < 0.6:
            free.remove(source := random.choice(sources))
            wanted.append(WantedEdit("rename", path, None, random.choice([None, digest]), source))
        else:
            wanted.append(WantedEdit("add", path, "100644", digest))
    return apply_to_base(wanted, standing, SIZES)


def patchset(edits: list[PathEdit]) -> Patchset:
    made = Patchset(changeset=Changeset(organization_id=1))
    made.known_edits = tuple(edits)
    return made


@settings(max_examples=400)
@given(st.randoms(use_true_random=False))
def test_a_comparison_leads_from_one_tree_to_the_other(random):
    base = {path: random.choice(ENTRIES) for path in PATHS if random.random() < 0.6}
    before, after = some_edits(random, base), some_edits(random, base)
    tree = standing_after(base, before)
    pairs = compare_patchsets(patchset(before), patchset(after)).pairs
    assert [pair.old for pair in pairs] == [tree.get(pair.renamed_from or pair.path) for pair in pairs]
    for pair in pairs:
        tree.pop(pair.renamed_from or pair.path, None)
    tree |= {pair.path: pair.new for pair in pairs if pair.new}
    assert tree == standing_after(base, after)
