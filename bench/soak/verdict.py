"""What is wrong: the clients' ledger against what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from bench.soak.ledger import Ledger, unexplained

MOST_GROWTH_BYTES, MOST_NEW_FILES = 150 << 20, 64  # of one process, from its start to rest after the load


def wrong_landings(ledger: Ledger, commits: list[list[Any]], first: str) -> Iterator[str]:
    """Every acknowledged landing is there, once, whole and with its content; nothing else is."""
    there: dict[str, list[list[Any]]] = {}
    for commit in commits:
        there.setdefault(commit[0], []).append(commit)
    for landing in ledger.landings.values():
        found = there.get(landing.title, [])
        if [commit[1] for commit in found] != [landing.commit]:
            told = [commit[1][:12] for commit in found]
            yield f"{landing.title}: acknowledged as {landing.commit[:12]}, there as {told}"
            continue
        _, _, _, entries, texts = found[0]
        for path, digest in landing.files.items():
            if path in landing.merged:
                if landing.token not in texts.get(path, ""):
                    yield f"{landing.title}: {path} was merged, and lacks what was landed"
            elif entries.get(path) != digest:
                yield f"{landing.title}: {path} is {entries.get(path)}, not {digest}"
    for title, found in there.items():
        if title not in ledger.landings and title not in ledger.unanswered and title != first:
            yield f"{title}: landed, and nobody was told"
        if title not in ledger.landings and len(found) > 1:
            yield f"{title}: landed {len(found)} times"
        for _, digest, files, entries, _ in found:
            if files != len(entries):
                yield f"{title}: commit {digest[:12]} has {len(entries)} files of {files}"


def wrong_proposals(ledger: Ledger, changesets: list[list[Any]]) -> Iterator[str]:
    """Every acknowledged proposal is one changeset; no title is there twice."""
    numbers: dict[str, list[int]] = {}
    for title, number, _ in changesets:
        numbers.setdefault(title, []).append(number)
    for title, number in ledger.proposals.items():
        if numbers.get(title) != [number]:
            yield f"{title}: acknowledged as cl-{number}, there as {numbers.get(title)}"
    for title, found in numbers.items():
        if len(found) > 1:
            yield f"{title}: proposed once, there {len(found)} times: {found}"
    for title, number, state in changesets:
        if state == "merged" and title in ledger.refused and title not in ledger.landings:
            yield f"{title}: cl-{number} has landed, and its landing was refused"


def wrong_state(ledger: Ledger, facts: dict[str, Any]) -> Iterator[str]:
    """Halves, the global state against the replay, files that one client writes, conflicts against fresh ones."""
    for name, found in facts["halves"].items():
        for one in found:
            yield f"{name}: {one}"
    merged = facts["global"]
    if merged["problem"] or merged["stored"] != merged["replayed"]:
        yield f"the global state is {merged['stored']}, replayed {merged['replayed']}, problem {merged['problem']}"
    for path, digest in ledger.standing.items():
        if merged["files"].get(path) != digest:
            yield f"{path}: stands as {merged['files'].get(path)}, last acknowledged as {digest}"
    standing, fresh = (Counter(map(str, facts["conflicts"][name])) for name in ("standing", "fresh"))
    for one in fresh - standing:
        yield f"conflict lost: {one}"
    for one in standing - fresh:
        yield f"conflict that is none: {one}"
    for task in facts["failed_tasks"]:
        yield f"task that failed for good: {task}"


def wrong_answers(ledger: Ledger) -> Iterator[str]:
    yield from ledger.wrong
    for trouble in unexplained(ledger.troubles, ledger.outages):
        yield f"while nothing was down, after {trouble.ended - trouble.began:.1f} s: {trouble.what}"
    for title in ledger.unanswered:
        yield f"{title}: was never answered"


def leaks(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]], states: dict[str, int]
) -> Iterator[str]:
    for name, was in before.items():
        more = {what: after[name][what] - was[what] for what in was}
        if more["bytes"] > MOST_GROWTH_BYTES:
            yield f"{name}: a process grew by {more['bytes'] >> 20} MiB"
        if more["files"] > MOST_NEW_FILES:
            yield f"{name}: a process has {more['files']} more files open"
    for state, count in states.items():
        if state.startswith("idle in transaction"):
            yield f"{count} connections are {state}"
