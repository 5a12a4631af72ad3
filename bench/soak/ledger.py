"""What the clients did and heard, and when which part was down."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

GRACE_SECONDS = 5.0  # after a part serves again: answers that were on the way, connections that notice
UNNOTICED = {"worker", "worker process", "beat"}  # no answer of the web server depends on them


@dataclass(frozen=True)
class Landing:
    """An acknowledged landing. `files` are the contents that it must have, path -> SHA-256; `token` stands in whatever
    content was merged from ours and others'."""

    title: str
    commit: str
    files: dict[str, str]
    token: str
    began: float
    ended: float
    merged: tuple[str, ...] = ()


@dataclass
class Outage:
    kind: str
    began: float
    started: float = 0.0  # when the part was started again
    ended: float = 0.0  # when it served again

    @property
    def seconds(self) -> float:
        return self.ended - self.began


@dataclass(frozen=True)
class Trouble:
    """An answer that is right only while something is down: a 503, or none."""

    began: float
    ended: float
    what: str


@dataclass
class Ledger:
    requests: Counter[str] = field(default_factory=Counter)
    refusals: Counter[str] = field(default_factory=Counter)
    landings: dict[str, Landing] = field(default_factory=dict)
    proposals: dict[str, int] = field(default_factory=dict)  # title -> changeset
    refused: set[str] = field(
        default_factory=set
    )  # titles whose landing was refused: the changeset stays open
    unanswered: set[str] = field(default_factory=set)  # titles of what was sent and not answered yet
    standing: dict[str, str] = field(default_factory=dict)  # path that one client writes -> its SHA-256
    wrong: list[str] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    events: int = 0

    def __post_init__(self) -> None:
        self.lock = threading.Lock()

    def count(self, kind: str, refusal: str = "") -> None:
        with self.lock:
            self.requests[kind] += 1
            if refusal:
                self.refusals[refusal] += 1

    def trouble(self, began: float, ended: float, what: str) -> None:
        with self.lock:
            self.troubles.append(Trouble(began, ended, what))

    def is_wrong(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)

    def sending(self, title: str) -> None:
        with self.lock:
            self.unanswered.add(title)

    def landed(self, landing: Landing) -> None:
        with self.lock:
            self.unanswered.discard(landing.title)
            if landing.title in self.landings and self.landings[landing.title].commit != landing.commit:
                self.wrong.append(f"{landing.title}: acknowledged as two commits")
            self.landings.setdefault(landing.title, landing)

    def proposed(self, title: str, number: int, refused: bool = False) -> None:
        with self.lock:
            self.unanswered.discard(title)
            self.proposals[title] = number
            if refused:
                self.refused.add(title)


def unexplained(troubles: Iterable[Trouble], outages: Iterable[Outage]) -> list[Trouble]:
    """Those at whose time nothing was down."""
    spans = [
        (outage.began, outage.ended + GRACE_SECONDS) for outage in outages if outage.kind not in UNNOTICED
    ]
    return [
        trouble
        for trouble in troubles
        if not any(trouble.began <= until and trouble.ended >= since for since, until in spans)
    ]


def share(values: list[float], part: float) -> float:
    """The percentile `part` (0 to 1) of the values; 0 of none."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0
