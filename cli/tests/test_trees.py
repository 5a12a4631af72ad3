"""Merkle trees: what stands in a tree decides its digest, and a change rewrites only what it touches."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitslice_core import trees
from gitslice_core.trees import FOLDER, Item, TreeError, Trees, is_fan, parse, tree_digest

NAME = st.sampled_from([f"n{number}" for number in range(12)])
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
CHANGE = st.tuples(PATH, st.one_of(st.none(), st.integers(0, 3)))


class Shelf:
    """Nodes by digest, and how many were read."""

    def __init__(self):
        self.nodes = {}
        self.read = 0

    def load(self, digests):
        self.read += len(digests)
        return {digest: self.nodes[digest] for digest in digests if digest in self.nodes}

    def change(self, root, entries):
        changing = Trees(self.load)
        digest = changing.changed(root, entries)
        self.nodes |= changing.made
        return digest, len(changing.made)

    def files(self, root, path=""):
        node = parse(self.nodes[root])
        if is_fan(node):
            for shard in node.values():
                assert shard.items == len(list(self._names(shard.digest)))
                yield from self.files(shard.digest, path)
            return
        for name, item in node.items():
            mode, digest = item.split(" ")
            if mode == FOLDER:
                yield from self.files(bytes.fromhex(digest), f"{path}{name}/")
            else:
                yield f"{path}{name}", Item(mode, bytes.fromhex(digest))

    def _names(self, digest):
        node = parse(self.nodes[digest])
        return (
            [name for shard in node.values() for name in self._names(shard.digest)]
            if is_fan(node)
            else list(node)
        )


def item(number):
    return Item("100755" if number % 2 else "100644", hashlib.sha256(b"%d" % number).digest())


def fits(standing, path):
    folders = {path[:at] for at, letter in enumerate(path) if letter == "/"}
    return not folders & standing.keys() and not any(other.startswith(f"{path}/") for other in standing)


@given(st.lists(st.lists(CHANGE, max_size=30), max_size=5))
def test_any_history_gives_the_digest_of_what_stands(batches):
    small = trees.FANNED
    trees.FANNED = 4
    try:
        shelf, root, standing = Shelf(), None, {}
        for batch in batches:
            before = dict(standing)
            for path, number in batch:
                if number is None:
                    standing.pop(path, None)
                elif fits(standing, path):
                    standing[path] = item(number)
            touched = {path for path, _ in batch}
            root, _ = shelf.change(
                root, {path: standing.get(path) for path in touched | before.keys() - standing.keys()}
            )
            assert root == tree_digest(standing)
            assert dict(shelf.files(root)) == standing
    finally:
        trees.FANNED = small


def test_unchanged_folders_are_shared_and_not_even_read():
    shelf = Shelf()
    entries = {f"team{team}/src/file{number}.py": item(number) for team in range(50) for number in range(20)}
    root, made = shelf.change(None, entries)
    assert made == 3  # all teams' folders are the same two nodes
    shelf.read = 0
    changed, made = shelf.change(root, {"team7/src/file3.py": item(99)})
    assert (made, shelf.read) == (3, 3)
    assert shelf.change(changed, {"team7/src/file3.py": item(3)})[0] == root


def test_a_folder_of_100_000_entries_is_not_rewritten_for_one_change():
    shelf = Shelf()
    root, _ = shelf.change(None, {f"big/{number}.json": item(number) for number in range(100_000)})
    written = len(shelf.nodes)
    shelf.read = 0
    changed, made = shelf.change(root, {"big/5.json": None, "big/new.json": item(1)})
    assert made <= 10
    assert shelf.read <= 10
    assert sum(len(body) for body in list(shelf.nodes.values())[written:]) < 100_000
    assert shelf.change(changed, {"big/5.json": item(5), "big/new.json": None})[0] == root


def test_a_fan_that_shrinks_is_a_folder_again():
    shelf = Shelf()
    few = {f"{number}": item(number) for number in range(trees.FANNED)}
    root, _ = shelf.change(None, few)
    more, _ = shelf.change(root, {"one more": item(1)})
    assert is_fan(parse(shelf.nodes[more]))
    assert shelf.change(more, {"one more": None})[0] == root


@pytest.mark.parametrize("entries", [{"a": item(1), "a/b": item(2)}, {"a/b/c": item(1), "a/b": item(2)}])
def test_no_path_is_a_file_and_a_folder(entries):
    with pytest.raises(TreeError, match="both a file and a folder"):
        tree_digest(entries)


def test_a_file_gives_way_to_a_folder_and_back():
    shelf = Shelf()
    root, _ = shelf.change(None, {"a": item(1)})
    folder, _ = shelf.change(root, {"a": None, "a/b": item(2)})
    assert folder == tree_digest({"a/b": item(2)})
    assert shelf.change(folder, {"a": item(1), "a/b": None})[0] == root


def test_an_empty_tree_has_a_digest():
    assert tree_digest({}) == hashlib.sha256(b"gitslice folder 1\n").digest()


def test_a_missing_or_strange_node_is_named():
    with pytest.raises(TreeError, match="missing"):
        Trees(lambda digests: {}).changed(bytes(32), {"a": item(1)})
    with pytest.raises(TreeError, match="no node"):
        parse(b"tree 12\0")
