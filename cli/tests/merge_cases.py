"""Generated texts for diffs and merges, and git as the oracle."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path

Triple = tuple[bytes, bytes, bytes]  # base, ours, theirs

COMMON = [b"", b"}", b"{", b"  return", b"    ", b"a", b"b", b"end"]
ENDINGS = [b"\n"] * 8 + [b"\r\n"]


def triple(generator: random.Random) -> Triple:
    """Three versions of a text with repeated lines: edits of either side, near each other, alike or the same; moved
    and doubled blocks; missing final newlines and mixed line endings."""
    base = text(generator)
    shared = edited(generator, base) if generator.random() < 0.3 else base
    spot = generator.randint(0, len(base)) if generator.random() < 0.4 else None
    sides = [edited(generator, shared, spot), edited(generator, shared, spot)]
    ending = generator.choice(ENDINGS)
    contents = [joined(generator, lines, ending) for lines in (base, *sides)]
    if generator.random() < 0.03:
        contents[generator.randint(0, 2)] = b""
    return contents[0], contents[1], contents[2]


def text(generator: random.Random) -> list[bytes]:
    """Up to 40 lines, rarely some hundreds, of which a share is taken from a few words."""
    size = generator.choice([0, 1, 3, 8, 15, 25, 40, 40, 40, 300])
    repeated = generator.choice([0.1, 0.4, 0.8, 1.0])
    words = COMMON[: generator.randint(2, len(COMMON))]
    return [
        generator.choice(words) if generator.random() < repeated else b"line %d" % number
        for number in range(generator.randint(0, size))
    ]


def edited(generator: random.Random, lines: Sequence[bytes], spot: int | None = None) -> list[bytes]:
    """A few edits, all near `spot` if it is given."""
    result = list(lines)
    for _ in range(generator.choice([0, 1, 1, 2, 3, 5, 8])):
        at = generator.randint(0, len(result)) if spot is None else spot + generator.randint(-2, 3)
        at = min(max(at, 0), len(result))
        size = generator.randint(1, 4)
        block = result[at : at + size]
        kind = generator.random()
        if kind < 0.25:
            result[at:at] = fresh(generator, size)
        elif kind < 0.45:
            del result[at : at + size]
        elif kind < 0.65:
            result[at : at + size] = fresh(generator, generator.randint(1, 4))
        elif kind < 0.75:
            result[at : at + size] = [b"  " + line for line in block]
        elif kind < 0.88:
            to = generator.randint(0, len(result))
            result[to:to] = block
        else:
            del result[at : at + size]
            to = generator.randint(0, len(result))
            result[to:to] = block
    return result


def fresh(generator: random.Random, size: int) -> list[bytes]:
    """Lines that both sides may come upon."""
    return [
        generator.choice(COMMON) if generator.random() < 0.5 else b"new %d" % generator.randint(0, 9)
        for _ in range(size)
    ]


def joined(generator: random.Random, lines: Sequence[bytes], ending: bytes) -> bytes:
    """A text; one in ten lacks the final newline, one in fifty mixes line endings or is not UTF-8."""
    content = b"".join(line + ending for line in lines)
    if generator.random() < 0.1:
        content = content.removesuffix(b"\n").removesuffix(b"\r")
    if generator.random() < 0.02:
        content = content.replace(b"a\n", b"a\r\n").replace(b"new 3", b"\xff\xfe\r3")
    return content


def git_merges(folder: Path, triples: Sequence[Triple]) -> list[tuple[int, bytes, bytes]]:
    """Exit code of `git merge-file` (0 clean, else the number of conflicts), and its text in both styles."""
    for number, (base, ours, theirs) in enumerate(triples):
        for name, content in (("b", base), ("o", ours), ("t", theirs)):
            (folder / f"{number}.{name}").write_bytes(content)
    labels = "-L ours -L base -L theirs $i.o $i.b $i.t"
    script = f"""
        i=0
        while [ $i -lt {len(triples)} ]; do
            git merge-file -p {labels} >$i.merge; echo $?
            git merge-file -p --diff3 {labels} >$i.diff3
            i=$((i + 1))
        done
    """
    codes = subprocess.run(["sh", "-c", script], cwd=folder, stdout=subprocess.PIPE, check=False).stdout
    return [
        (int(code), (folder / f"{number}.merge").read_bytes(), (folder / f"{number}.diff3").read_bytes())
        for number, code in enumerate(codes.split())
    ]
