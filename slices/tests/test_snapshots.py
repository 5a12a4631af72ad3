"""A slice at any commit is what a plain replay of its history says: manifests, deltas, folders, sizes, diffs."""

from __future__ import annotations

import hashlib
import random
from datetime import UTC, datetime

import pytest

from slices.blobs import find_entries
from slices.changes import changed_between, changed_by, count_changed_by
from slices.definitions import definition_digest
from slices.errors import PathNotFound
from slices.folders import list_folder
from slices.fsck import check_organization
from slices.history import LogFilter, head_of, log
from slices.manifests import Manifest, find_manifest
from slices.models import Commit, Slice
from slices.moments import Moment
from slices.patterns import Patterns, patterns_of
from slices.services import SliceEdit, edit_slice
from slices.sizes import size_of
from tests.world import World

pytestmark = pytest.mark.django_db

FOLDERS = ["", "a/", "a/b/", "a/b/c/", "vendor/", "vendor/x/", "docs/", "é/"]
Tree = dict[str, tuple[str, str, int]]  # path -> mode, digest, size


class Story:
    """A world with random landings, and for each the tree that a plain dictionary has after it."""

    def __init__(self, seed: int, landings: int = 14) -> None:
        self.random = random.Random(seed)
        self.world = World()
        self.trees: list[tuple[Commit, Tree]] = []
        self.tree: Tree = {}
        for _ in range(landings):
            self.land()

    def land(self) -> None:
        root = self.world.root
        contents: dict[str, bytes | None] = {}
        for _ in range(self.random.randint(1, 8)):
            path = self.random.choice(FOLDERS) + f"f{self.random.randint(0, 6)}"
            contents[path] = b"%d" % self.random.getrandbits(20)
        for path in self.random.sample(sorted(self.tree), min(2, len(self.tree))):
            contents[path] = None
        commit = self.world.land(root, contents)
        for pair in changed_by(root, commit):
            if pair.new:
                self.tree[pair.path] = (pair.new.mode, pair.new.digest.hex(), pair.new.size)
            else:
                del self.tree[pair.path]
        self.trees.append((commit, dict(self.tree)))

    def of(self, slice: Slice, tree: Tree) -> Tree:
        covers = patterns_of(slice).covers
        return {path: entry for path, entry in tree.items() if covers(path)}


SLICES = [
    (["**"], []),
    (["a/**"], []),
    (["a/b/**", "docs", "f1"], []),
    (["**"], ["vendor/**"]),
    (["a/**", "vendor/**"], ["a/b/c/**", "**/f3"]),
    (["*/f?"], ["*/f[2-4]"]),
    (["é/**", "nothing/here/**"], []),
]


@pytest.fixture(params=range(2))
def story(request) -> Story:
    return Story(request.param)


@pytest.fixture
def slices(story) -> list[Slice]:
    made = [
        story.world.slice(f"s{number}", *includes, excludes=excludes)
        for number, (includes, excludes) in enumerate(SLICES)
    ]
    story.land()
    story.land()
    return [story.world.root, *map(story.world.fresh, made)]


def parsed(manifest: Manifest) -> list[tuple[str, ...]]:
    lines = b"".join(manifest.lines()).decode().splitlines()
    return [tuple(line.split(" ", 3)) for line in lines]


def rows(tree: Tree) -> list[tuple[str, ...]]:
    ordered = sorted(tree.items(), key=lambda item: item[0].encode())
    return [(mode, digest, str(size), path) for path, (mode, digest, size) in ordered]


def test_manifests_at_every_commit(story, slices):
    for slice in slices:
        for commit, tree in story.trees:
            assert parsed(Manifest(slice, commit)) == rows(story.of(slice, tree))


def test_deltas_in_both_directions(story, slices):
    for slice in slices:
        for since, before in story.trees[::3]:
            for commit, after in story.trees[::4]:
                old, new = story.of(slice, before), story.of(slice, after)
                changed = {path: entry for path, entry in new.items() if old.get(path) != entry}
                gone = {path: ("D", "-", "-") for path in old if path not in new}
                expected = sorted(
                    [*((*map(str, e), p) for p, e in changed.items()), *((*e, p) for p, e in gone.items())],
                    key=lambda row: row[3].encode(),
                )
                assert parsed(Manifest(slice, commit, since)) == expected
                pairs = changed_between(slice, since, commit)
                touched = {pair.path for pair in pairs} | {
                    pair.renamed_from for pair in pairs if pair.renamed_from
                }
                assert touched == changed.keys() | gone.keys()


def test_folders_at_every_commit(story, slices):
    for slice in slices:
        for commit, tree in story.trees[::3]:
            covered = story.of(slice, tree)
            for folder in FOLDERS:
                below = [path.removeprefix(folder) for path in covered if path.startswith(folder)]
                expected = {(path.partition("/")[0], "/" in path) for path in below}
                if not expected and folder:
                    with pytest.raises(PathNotFound):
                        list_folder(slice, commit, folder.rstrip("/"))
                    continue
                children = list_folder(slice, commit, folder.rstrip("/"))
                assert {(child.name, child.kind == "folder") for child in children} == expected
                for child in children:
                    if child.kind == "file":
                        assert (child.mode, child.digest.hex(), child.size) == covered[folder + child.name]


def test_logs_hold_the_commits_that_touch_the_slice(story, slices):
    for slice in slices:
        expected = [
            commit.seq
            for commit, _ in reversed(story.trees)
            if slice.is_root
            or any(patterns_of(slice).covers(pair.path) for pair in changed_by(story.world.root, commit))
        ]
        assert [commit.seq for commit in log(slice, LogFilter(), before=None, limit=100)] == expected
        head = head_of(slice)
        assert (head.seq if head else None) == (expected[0] if expected else None)


def test_sizes_are_counted_once_and_then_carried_forward(story, slices, django_assert_num_queries):
    def expected(slice):
        tree = story.of(slice, story.tree)
        return len(tree), sum(size for _, _, size in tree.values())

    for _ in range(3):
        for slice in slices:
            head = head_of(slice)
            seq = head.seq if head else None
            size = size_of(slice, Moment(seq))
            assert (size.files, size.bytes) == expected(slice)
            with django_assert_num_queries(0):
                assert size_of(slice, Moment(seq)) == size
        story.land()


def test_commits_show_what_the_slice_covers(story, slices):
    for slice in slices:
        for commit, _ in story.trees[::4]:
            paths = [pair.path for pair in changed_by(slice, commit)]
            assert paths == patterns_of(slice).covered(
                pair.path for pair in changed_by(story.world.root, commit)
            )
            assert count_changed_by(slice, commit) == len(paths)


def test_a_redefined_slice_has_the_log_and_tree_of_a_new_one(story, slices):
    changing = story.world.fresh(slices[2])
    for number, (includes, excludes) in enumerate(SLICES):
        edit_slice(
            actor=story.world.owner, slice=changing, edit=SliceEdit(includes=includes, excludes=excludes)
        )
        changing = story.world.fresh(changing)
        twin = story.world.slice(f"twin{number}", *includes, excludes=excludes)
        logs = [
            {c.seq for c in log(slice, LogFilter(), before=None, limit=100)} for slice in (changing, twin)
        ]
        assert logs[1] <= logs[0]  # it also keeps what it covered before
        if head := head_of(changing):
            assert parsed(Manifest(changing, head)) == parsed(Manifest(twin, head))
    assert list(check_organization(story.world.organization)) == []


def test_only_files_of_the_slice_at_the_commit_are_found(story, slices):
    slice = slices[2]
    commit, tree = story.trees[-1]
    covered = story.of(slice, tree)
    reader = story.world.owner
    entries = find_entries(slice, str(commit) if commit == head_of(slice) else "HEAD", list(covered), reader)
    assert {path: (e.mode, e.digest.hex(), e.size) for path, e in entries.items()} == covered
    for path in ["vendor/f1", "no/such", "a/b/f\0", "a/b"]:
        with pytest.raises(PathNotFound):
            find_entries(slice, "HEAD", [path], reader)


def test_a_delta_needs_the_same_definition(story, slices):
    slice = slices[2]
    since = str(log(slice, LogFilter(), before=None, limit=9)[-1])
    assert find_manifest(slice, story.world.owner, None, since, None).since is not None
    assert find_manifest(slice, story.world.owner, None, "ab" * 32, None).since is None
    assert find_manifest(slice, story.world.owner, None, "nonsense", None).since is None
    old = bytes(slice.definition.digest).hex()
    edit_slice(actor=story.world.owner, slice=slice, edit=SliceEdit(add=["vendor/**"]))
    slice = story.world.fresh(slice)
    new = bytes(slice.definition.digest).hex()
    assert find_manifest(slice, story.world.owner, None, since, None).since is None
    assert find_manifest(slice, story.world.owner, None, since, old).since is None
    assert find_manifest(slice, story.world.owner, None, since, new).since is not None


def test_definition_digests_follow_the_documented_encoding():
    text = (
        "gitslice definition 1\nparent -\nslice 7\nversion 1\nauthor 3\ntime 2026-11-23T10:00:00.000000Z\n"
        "include a/**\ninclude b\nexclude a/x\n"
    )
    digest = definition_digest(
        parent=None,
        slice_id=7,
        version=1,
        author_id=3,
        created_at=datetime(2026, 11, 23, 10, tzinfo=UTC),
        patterns=Patterns(("a/**", "b"), ("a/x",)),
    )
    assert digest == hashlib.sha256(text.encode()).digest()
