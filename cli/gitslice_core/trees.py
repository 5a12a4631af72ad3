"""Merkle trees: a whole file tree under one digest, in content-addressed nodes that versions share (docs/global-state.md).

A node is text, named by its SHA-256. A folder lists its items by the byte order of their names:

    gitslice folder 1
    MODE DIGEST NAME        (mode 040000: DIGEST names the node of a folder; else it is that of the file's content)

A folder of more than FANNED items is a fan: its items are spread over up to 16 nodes by the next hexadecimal digit of
their names' SHA-256, and each of these is a folder, or a fan by the digit after, with the number of items below it:

    gitslice fan 1
    DIGIT DIGEST COUNT

So one change rewrites a few small nodes however big the folder is, and the nodes depend on what stands in the tree
alone, never on the order in which it came. There are no empty folders, but for the root of an empty tree.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeGuard

FOLDER = "040000"
FANNED = 256  # items that a folder lists itself
NAME_AT = 6 + 1 + 64 + 1  # characters before the name in a folder's line
FOLDER_HEAD, FAN_HEAD = "gitslice folder 1\n", "gitslice fan 1\n"


class TreeError(Exception):
    """Entries that cannot stand together, or a node that is none; the text names the path or digest."""


class Item(NamedTuple):
    """What stands under a name: a file's mode and content digest, or FOLDER and the digest of its node."""

    mode: str
    digest: bytes


class Shard(NamedTuple):
    """A node, and how many items of the folder are below it."""

    digest: bytes
    items: int


Folder = dict[str, str]  # name -> "MODE DIGEST", as in the node's lines: most of them are only carried along
Fan = dict[str, Shard]
Load = Callable[[Collection[bytes]], Mapping[bytes, bytes]]


class Edit:
    """What happens to a name: `file` is its new item or None, if `own`; `below` are edits inside the folder of that name."""

    __slots__ = ("below", "file", "own")

    def __init__(self) -> None:
        self.own = False
        self.file: Item | None = None
        self.below: dict[str, Edit] = {}


class Trees:
    """Changes trees. Nodes are loaded as they are needed, level by level; `made` holds the new ones: digest -> node."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._nodes: dict[bytes, Folder | Fan] = {}
        self.made: dict[bytes, bytes] = {}

    def changed(self, root: bytes | None, entries: Mapping[str, Item | None]) -> bytes:
        """The root of the tree `root` (None: an empty one) with these entries at their paths; None takes a path away.
        Raises TreeError where a path would be both a file and a folder."""
        edits = _by_folder(entries)
        self._prefetch(root, edits)
        shard = self._folder(root, edits, 0, "")
        return shard.digest if shard else self._write(_folder_text({}), {})

    def node(self, digest: bytes) -> Folder | Fan:
        """Raises TreeError if it is not there."""
        self._fetch([digest])
        return self._nodes[digest]

    def _prefetch(self, root: bytes | None, edits: dict[str, Edit]) -> None:
        """Load what the edits touch, a level at a time."""
        level = [(root, edits, 0)] if root else []
        while level:
            self._fetch([digest for digest, _, _ in level])
            level = [step for digest, below, depth in level for step in self._steps(digest, below, depth)]

    def _steps(
        self, digest: bytes, edits: dict[str, Edit], depth: int
    ) -> Iterator[tuple[bytes, dict[str, Edit], int]]:
        node = self._nodes[digest]
        if is_fan(node):
            for digit, part in _by_digit(edits, depth).items():
                if digit in node:
                    yield node[digit].digest, part, depth + 1
            return
        for name, edit in edits.items():
            folder = _folder_of(node.get(name))
            if edit.below and folder:
                yield folder, edit.below, 0

    def _fetch(self, digests: Iterable[bytes]) -> None:
        wanted = {digest for digest in digests if digest not in self._nodes}
        loaded = self._load(wanted) if wanted else {}
        for digest in wanted:
            if digest not in loaded:
                raise TreeError(f"the node {digest.hex()} is missing or damaged")
            self._nodes[digest] = parse(loaded[digest])

    def _folder(self, digest: bytes | None, edits: dict[str, Edit], depth: int, path: str) -> Shard | None:
        """The folder, or its part at a fan's `depth`, with the edits made; None if nothing is left of it."""
        node = self.node(digest) if digest else {}
        if is_fan(node):
            return self._changed_fan(dict(node), edits, depth, path)
        items: Folder = dict(node)  # type: ignore[arg-type]
        for name, edit in edits.items():
            item = self._edited(items.pop(name, None), edit, f"{path}{name}")
            if item:
                items[name] = item
        return self._built(items, depth)

    def _edited(self, before: str | None, edit: Edit, path: str) -> str | None:
        folder = _folder_of(before)
        file = _line(edit.file) if edit.own else before if folder is None else None
        if edit.below:
            shard = self._folder(folder, edit.below, 0, f"{path}/")
            folder = shard.digest if shard else None
        if file and folder:
            raise TreeError(f"{path} would be both a file and a folder")
        return file or (_line(Item(FOLDER, folder)) if folder else None)

    def _changed_fan(self, fan: Fan, edits: dict[str, Edit], depth: int, path: str) -> Shard | None:
        for digit, part in _by_digit(edits, depth).items():
            old = fan.pop(digit, None)
            new = self._folder(old.digest if old else None, part, depth + 1, path)
            if new:
                fan[digit] = new
        count = sum(shard.items for shard in fan.values())
        if count > FANNED:
            return Shard(self._write(_fan_text(fan), fan), count)
        return self._built({name: item for shard in fan.values() for name, item in self._items(shard)}, depth)

    def _items(self, shard: Shard) -> Iterator[tuple[str, str]]:
        node = self.node(shard.digest)
        if is_fan(node):
            for inner in node.values():
                yield from self._items(inner)
        else:
            yield from node.items()  # type: ignore[misc]

    def _built(self, items: Folder, depth: int) -> Shard | None:
        if not items:
            return None
        if len(items) <= FANNED:
            return Shard(self._write(_folder_text(items), items), len(items))
        parts = {digit: self._built(part, depth + 1) for digit, part in _by_digit(items, depth).items()}
        fan = {digit: part for digit, part in parts.items() if part}
        return Shard(self._write(_fan_text(fan), fan), len(items))

    def _write(self, text: str, node: Folder | Fan) -> bytes:
        body = text.encode()
        digest = hashlib.sha256(body).digest()
        if digest not in self._nodes:
            self._nodes[digest] = node
            self.made[digest] = body
        return digest


def tree_digest(entries: Mapping[str, Item]) -> bytes:
    """The root digest of the tree that holds exactly these entries. Raises TreeError."""
    return Trees(lambda digests: {}).changed(None, entries)


def is_fan(node: Folder | Fan) -> TypeGuard[Fan]:
    return isinstance(next(iter(node.values()), None), Shard)


def parse(body: bytes) -> Folder | Fan:
    """The node of its text. Raises TreeError."""
    text = body.decode()
    try:
        if text.startswith(FOLDER_HEAD):
            lines = text[len(FOLDER_HEAD) :].split("\n")[:-1]
            return {line[NAME_AT:]: line[: NAME_AT - 1] for line in lines}
        if text.startswith(FAN_HEAD):
            rows = (line.split(" ") for line in text[len(FAN_HEAD) :].split("\n")[:-1])
            return {digit: Shard(bytes.fromhex(digest), int(count)) for digit, digest, count in rows}
    except ValueError:
        pass
    raise TreeError(f"{text[:40]!r} begins no node of a tree")


def _folder_text(items: Folder) -> str:
    """Python sorts texts by code points, which is the order of their UTF-8 bytes."""
    return FOLDER_HEAD + "".join(f"{items[name]} {name}\n" for name in sorted(items))


def _line(item: Item | None) -> str | None:
    return item and f"{item.mode} {item.digest.hex()}"


def _folder_of(line: str | Shard | None) -> bytes | None:
    """The node of the folder that the line names; None for files and nothing."""
    if isinstance(line, str) and line.startswith(FOLDER):
        return bytes.fromhex(line[len(FOLDER) + 1 :])
    return None


def _fan_text(fan: Fan) -> str:
    return FAN_HEAD + "".join(
        f"{digit} {fan[digit].digest.hex()} {fan[digit].items}\n" for digit in sorted(fan)
    )


def _by_folder(entries: Mapping[str, Item | None]) -> dict[str, Edit]:
    top = Edit()
    for path, item in entries.items():
        edit = top
        for name in path.split("/"):
            inner = edit.below.get(name)
            if inner is None:
                inner = edit.below[name] = Edit()
            edit = inner
        edit.own, edit.file = True, item
    return top.below


def _by_digit(named: dict, depth: int) -> dict[str, dict]:
    """Split what has names by a digit of their SHA-256."""
    parts: dict[str, dict] = {}
    for name, value in named.items():
        digit = hashlib.sha256(name.encode()).hexdigest()[depth]
        parts.setdefault(digit, {})[name] = value
    return parts
