"""`make bench`: every figure of the table, ours and git's in the same run, alternating; writes bench/results.md.

BENCH_HOME keeps the downloaded tree between runs (default: .data/bench); BENCH_ROUNDS is how often (default: 5).
`python -m bench.run checkouts status` measures only these parts (after the import that all need) and writes nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import breakdown, conflicts, landing, merging, pages
from bench.results import Results, timed
from bench.system import PROGRAMS, REPOSITORY, Git, GitSlice
from bench.tree import PACKAGES, SMALL, count, fetch_tree

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
PARTS = {"checkouts", "status", "landings", "conflicts", "merges", "memory", "pages", "breakdown"}
MEDIUM = "homeassistant/homeassistant/components/[a-c]*"


def main() -> None:
    kept = Path(os.environ.get("BENCH_HOME", REPOSITORY / ".data" / "bench"))
    kept.mkdir(parents=True, exist_ok=True)
    tree = fetch_tree(kept)
    files, size = count(tree)
    with tempfile.TemporaryDirectory(prefix="gitslice-bench-") as name:
        work = Path(name)
        work.chmod(0o755)
        system, git, results = GitSlice(work / "system"), Git(work), Results()
        try:
            measure(system, git, results, tree, work, set(sys.argv[1:]) or PARTS)
        finally:
            system.stop()
            git.stop()
    if sys.argv[1:]:
        return
    head = [
        f"Tree: {files:,} files, {size / 1e6:,.0f} MB: {', '.join(PACKAGES)} (wheels, unpacked). Medians of {ROUNDS}"
        " alternating rounds after a warm-up. git is used at its best: a bare repository with bitmaps behind"
        " `git daemon`, `--depth=1 --filter=blob:none`, cone sparse-checkout with a sparse index. Batch merges run only where they are measured.",
    ]
    results.write(REPOSITORY / "bench" / "results.md", head)


def measure(system: GitSlice, git: Git, results: Results, tree: Path, work: Path, parts: set[str]) -> None:
    imports(system, git, results, tree, work)
    folders = sorted(path.relative_to(tree).as_posix() for path in tree.glob(MEDIUM) if path.is_dir())
    system.gs("slice", "create", "medium", "--files", f"{MEDIUM}/**", at=work)
    system.gs("slice", "create", "small", "--files", f"{SMALL}/**", at=work)
    if "checkouts" in parts:
        checkouts(system, git, results, work, "medium", folders)
        checkouts(system, git, results, work, "small", [SMALL])
    if "status" in parts:
        status(system, git, results, work, folders)
    if "landings" in parts:
        landings(system, git, results, work)
    if "conflicts" in parts:
        detection(system, results)
    if "merges" in parts:
        merges(system, results)
    if "memory" in parts:
        memory(system, results, work)
    if "pages" in parts:
        page_times(system, results)
    if "breakdown" in parts:
        for line in breakdown.lines(system):
            results.note(line)


def imports(system: GitSlice, git: Git, results: Results, tree: Path, work: Path) -> None:
    theirs = git.add_all(tree, work / "git-import")
    ours = timed(lambda: system.gs("import", "dir", str(tree), "-m", "Import", at=work))
    results.ratio("import of the whole tree, against add + commit + repack", [theirs], [ours], 0.6)
    stored = sum(file.stat().st_size for file in (system.home / "objects").rglob("*.pack"))
    packed = git.packed_bytes(work / "git-import")
    ratio = stored / packed
    results.plain(
        "bytes on the server, against the packed repository",
        f"{packed / 1e6:.1f} MB",
        f"{stored / 1e6:.1f} MB",
        ratio,
        1.0,
    )
    results.note(
        f"The database takes {database_bytes(system) / 1e6:.0f} MB beside the objects after the import."
    )
    git.serve(work / "git-import")


def database_bytes(system: GitSlice) -> int:
    code = "from django.db import connection as c\nk = c.cursor()\nk.execute('select pg_database_size(current_database())')\nprint(k.fetchone()[0])\n"
    return int(system.manage("shell", "--verbosity", "0", stdin=code).split()[-1])


def checkouts(
    system: GitSlice, git: Git, results: Results, work: Path, name: str, folders: list[str]
) -> None:
    """Nothing is deleted before the end: for minutes ext4 does not use the inodes of deleted files again, and searches
    past every one of them for each new file, which costs both sides more than their own work."""
    cold: list[float] = []
    warm: list[float] = []
    theirs: list[float] = []
    again: list[float] = []
    files = 0
    for number in range(ROUNDS + 1):
        system.clear_cache()
        places = [work / f"{name}-{kind}-{number}" for kind in ("ours", "warm", "git", "again")]
        theirs.append(timed(lambda: git.checkout(places[2], folders)))  # noqa: B023
        cold.append(timed(lambda: system.gs("init", f"acme/{name}", str(places[0]), at=work)))  # noqa: B023
        again.append(timed(lambda: git.checkout(places[3], folders)))  # noqa: B023
        warm.append(timed(lambda: system.gs("init", f"acme/{name}", str(places[1]), at=work)))  # noqa: B023
        files = sum(len(names) for folder, _, names in os.walk(places[0]) if ".gs" not in folder)
    if name == "medium":
        results.ratio(f"gs init of {files:,} files, cold cache", theirs[1:], cold[1:], 0.6)
        results.ratio(f"gs init of {files:,} files again, warm cache", again[1:], warm[1:], 0.4)
    else:
        results.ratio(f"gs init of {files:,} files, cold cache", theirs[1:], cold[1:], 1.0)


def status(system: GitSlice, git: Git, results: Results, work: Path, folders: list[str]) -> None:
    ours_at, git_at = work / "status-ours", work / "status-git"
    system.gs("init", "acme/medium", str(ours_at), at=work)
    git.checkout(git_at, folders)
    ours, theirs = [], []
    for _ in range(4 * ROUNDS + 2):
        theirs.append(timed(lambda: git.run("status", "--short", at=git_at)))
        ours.append(timed(lambda: system.gs("status", at=ours_at)))
    results.ratio("gs status, clean, the same files", theirs[2:], ours[2:], 1.5)


def landings(system: GitSlice, git: Git, results: Results, work: Path) -> None:
    landing.make_slices(system, work / "submit")
    landing.clone_for_push(git, work / "push")
    pushed, submitted, rest = [], [], []
    for number in range(ROUNDS + 1):
        pushed.append(landing.push_rate(git, work / "push", 2, f"round{number}"))
        submitted.append(landing.submit_rate(system, work / "submit", 3, f"round{number}"))
        rest.append(landing.rest_rate(system, 15, f"rest{number}"))
    median = sorted(pushed[1:])[ROUNDS // 2]
    results.speed("8 concurrent gs submit of 5 files, landed", median, sorted(submitted[1:])[ROUNDS // 2], 4)
    results.speed("the same over REST with kept connections", median, sorted(rest[1:])[ROUNDS // 2], 15)
    small, large = landing.tree_size_cost(system, 40)
    label = "landing 5 files in a tree of 1,000,000 paths, against one of 50,000"
    results.plain(label, f"{small * 1000:.1f} ms", f"{large * 1000:.1f} ms", large / small, 1.2)


def detection(system: GitSlice, results: Results) -> None:
    _, many95, few, many = conflicts.detection(system)["detect"]
    label = "detection of a new changeset, 95th percentile, with 10,000 open changesets"
    results.plain(label, "50 ms", f"{many95 * 1000:.1f} ms", many95 / 0.05, 1.0)
    label = "its median with 10,000 open changesets, against 1,000"
    results.plain(label, f"{few * 1000:.1f} ms", f"{many * 1000:.1f} ms", many / few, 1.3)
    seconds = conflicts.crowded_landing(system)
    label = "conflicts of 100 open changesets that edit a file known after a landing on it"
    results.plain(label, "5 s", f"{seconds:.2f} s", seconds / 5, 1.0)
    seconds = conflicts.latency(system, 20)
    results.plain("from a landing to its event at a watcher", "1 s", f"{seconds:.2f} s", seconds, 1.0)
    megabytes, alone, watched = conflicts.watchers_cost(system)
    label = f"memory of {conflicts.WATCHERS} watchers in the web processes"
    results.plain(label, "200 MB", f"{megabytes:.0f} MB", megabytes / 200, 1.0)
    label = f"time of a landing while {conflicts.WATCHERS} watch, against none"
    results.plain(label, f"{1000 / alone:.1f} ms", f"{1000 / watched:.1f} ms", alone / watched, 1.3)


def merges(system: GitSlice, results: Results) -> None:
    figures = merging.batches(system, ROUNDS)
    small, large = figures["batch"]
    label = "batch merge of 1,000 commits of 5 files over 100 slices, in a tree of 50,000 paths"
    results.plain(label, "3 s", f"{small:.2f} s", small / 3, 1.0)
    label = "the same in a tree of 1,000,000 paths, against that"
    results.plain(label, f"{small:.2f} s", f"{large:.2f} s", large / small, 1.5)
    alone, beside, count = merging.landing_rates(system, ROUNDS)
    results.speed(
        "landings over REST while batches are merged without a pause, against none", alone, beside, 0.8
    )
    first_small, first_large, megabytes = figures["first"]
    results.note(
        f"The first batch merge took {first_small:.1f} s for 50,000 paths and {first_large:.1f} s for 1,000,000, with"
        f" {megabytes:.0f} MB at its peak. {count} batches were merged beside the landings."
    )


def page_times(system: GitSlice, results: Results) -> None:
    """The slowest page of those that people open most, and the table of all of them."""
    system.manage("rebuild_search")
    system.manage("rebuild_coverage")
    visitor = pages.Visitor(system.url, "bench", "bench-password-1")
    medium = pages.a_file_of(visitor, "acme", "medium")
    figures = pages.measure(visitor, pages.pages_of("acme", "medium", *medium))
    figures += pages.measure(visitor, pages.slice_pages("acme", "small", f"{SMALL}/query.py", SMALL))
    path, slowest = max(figures, key=lambda figure: figure[1])
    print(pages.table(figures), file=sys.stderr)
    label = f"the slowest of {len(figures)} pages ({path.partition('?')[0]}), median"
    results.plain(
        label, f"{pages.LIMIT * 1000:.0f} ms", f"{slowest * 1000:.0f} ms", slowest / pages.LIMIT, 1.0
    )


def memory(system: GitSlice, results: Results, work: Path) -> None:
    """Peaks during a checkout of 1 GB; half of it does not compress."""
    source = work / "big"
    source.mkdir()
    for number in range(20):
        half = os.urandom(25 << 20)
        (source / f"{number}.bin").write_bytes(half + bytes(25 << 20) + str(number).encode())
    system.gs("import", "dir", str(source), "--at", "big", at=work)
    system.gs("slice", "create", "big", "--files", "big/**", at=work)
    system.clear_cache()
    code = (
        "import resource, subprocess, sys;"
        "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )

    out = subprocess.run(
        [PROGRAMS / "python", "-c", code, PROGRAMS / "gs", "init", "acme/big", str(work / "big-out")],
        env=system.person, check=True, text=True, stdout=subprocess.PIPE,
    ).stdout  # fmt: skip
    client = int(out.split()[-1]) / 1024
    server = max(_peak(process) for process in system.web_processes()) / 1024
    results.plain(
        "memory of the client at a checkout of 1 GB", "250 MB", f"{client:.0f} MB", client / 250, 1.0
    )
    results.plain(
        "memory of a web process, the same (its peak since the start)",
        "250 MB",
        f"{server:.0f} MB",
        server / 250,
        1.0,
    )


def _peak(process: int) -> int:
    """VmHWM in KiB."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1])
    return 0


if __name__ == "__main__":
    main()
