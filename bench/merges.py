"""`make merges`: our three-way merge against `git merge-file`, on files that real projects changed on two branches.

A release line and the next one, with the release that both come from as the base: for each file that both changed, git
and we have to agree on the whole result, conflict markers included. The packages come from the package registry.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from gitslice_core.merge import mark, merge

# Package, and three of its releases: the base, the last of its line, and one of the next line.
HISTORIES = (
    ("Django", "5.1", "5.1.15", "5.2"),
    ("Django", "4.2", "4.2.20", "5.0"),
    ("ansible-core", "2.17.0", "2.17.9", "2.18.0"),
    ("sympy", "1.12", "1.12.1", "1.13.0"),
    ("celery", "5.3.0", "5.3.6", "5.4.0"),
    ("SQLAlchemy", "2.0.0", "2.0.20", "2.0.40"),
    ("homeassistant", "2024.2.0", "2024.2.5", "2024.3.3"),
)


def main() -> None:
    alike = clean = collided = 0
    spent = {"git": 0.0, "ours": 0.0}
    with tempfile.TemporaryDirectory(prefix="gitslice-merges-") as name:
        for package, *versions in HISTORIES:
            folders = [fetch(Path(name), package, version) for version in versions]
            for path, base, ours, theirs in triples(*folders):
                expected, conflicts = by_git(folders, path, spent)
                started = time.perf_counter()
                result = merge(base, ours, theirs)
                got = mark(result, "ours", "theirs")
                spent["ours"] += time.perf_counter() - started
                if got != expected or result.clean != (conflicts == 0):
                    sys.exit(f"error: {package} {path}: git and we differ")
                alike += 1
                clean += result.clean
                collided += not result.clean
            print(f"{package} {' '.join(versions)}: {alike} files so far, all as git has them")
    if alike < 500:
        sys.exit(f"error: only {alike} files were compared")
    print(f"{alike} files: {clean} merge cleanly, {collided} collide, none differs from git")
    print(f"git merge-file {spent['git']:.1f} s, ours {spent['ours']:.1f} s")


def fetch(folder: Path, package: str, version: str) -> Path:
    """The unpacked wheel of a release."""
    command = ["download", "--quiet", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    place = folder / f"{package}-{version}"
    wheels = place / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", *command, "--dest", str(wheels), f"{package}=={version}"],
        check=True,
        stderr=subprocess.DEVNULL,
    )
    [wheel] = wheels.iterdir()
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    return place


def triples(base: Path, ours: Path, theirs: Path) -> Iterator[tuple[str, bytes, bytes, bytes]]:
    """Text files that stand in all three and that both sides changed, differently."""
    for file in sorted(base.rglob("*")):
        path = file.relative_to(base).as_posix()
        sides = [folder / path for folder in (base, ours, theirs)]
        if not all(side.is_file() for side in sides) or path.startswith("wheels/"):
            continue
        old, mine, other = (side.read_bytes() for side in sides)
        if len({old, mine, other}) == 3 and b"\0" not in old + mine + other:
            yield path, old, mine, other


def by_git(folders: list[Path], path: str, spent: dict[str, float]) -> tuple[bytes, int]:
    """What git makes of it, and the number of conflicts."""
    base, ours, theirs = (str(folder / path) for folder in folders)
    command = ["git", "merge-file", "-p", "-L", "ours", "-L", "base", "-L", "theirs", ours, base, theirs]
    started = time.perf_counter()
    run = subprocess.run(command, stdout=subprocess.PIPE)
    spent["git"] += time.perf_counter() - started
    return run.stdout, run.returncode


if __name__ == "__main__":
    main()
