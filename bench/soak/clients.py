"""The clients: each a thread with a role, a person of its own, and a generator of its own, seeded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from bench.soak.calling import Answer, Caller, GaveUp, Refused
from bench.soak.ledger import Landing, Ledger
from gitslice_core.packs import PackReader

TEAMS = ("red", "green", "blue", "reviewed")  # `reviewed` wants an approval; all have shared/**
SHARED_FILES, LINES = 6, 40
FIRST = "The shared files"  # title of the commit that brings them
PAUSE_SECONDS = 0.3  # at most, between two things that a client does
REFUSALS = ("merge_conflict", "outdated_base", "needs_approval")


@dataclass(frozen=True)
class Person:
    username: str
    password: str
    token: str
    administers: bool = False


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Client(threading.Thread):
    """Does `step` again and again until `ends`; then finishes what it began."""

    def __init__(
        self, number: int, person: Person, port: int, ledger: Ledger, seed: int, ends: float
    ) -> None:
        super().__init__(name=f"{type(self).__name__.lower()}{number}", daemon=True)
        self.number, self.person, self.ledger, self.ends, self.port = number, person, ledger, ends, port
        self.random = random.Random(f"{seed} {number}")
        self.caller = Caller(port, ledger, person.token)
        self.slice = TEAMS[number % 3]
        self.count = 0
        self.mine: dict[int, str] = {}  # open changesets of this client, with their titles

    def run(self) -> None:
        try:
            while time.time() < self.ends:
                with contextlib.suppress(Refused):
                    self.step()
                time.sleep(self.random.uniform(0, PAUSE_SECONDS))
        except GaveUp:
            pass  # told already
        except Exception as error:  # an answer that the client cannot read is a wrong one
            self.ledger.is_wrong(f"{self.name}: {type(error).__name__}: {error}")
        finally:
            self.caller.close()

    def step(self) -> None:
        raise NotImplementedError

    def title(self) -> str:
        self.count += 1
        return f"{self.name} {self.count}"

    def at(self, rest: str, slice: str = "") -> str:
        return f"slices/acme/{slice or self.slice}/{rest}"

    def head(self, slice: str = "") -> str:
        commits = self.caller.api("list commits", "GET", self.at("commits/?limit=1", slice)).json["items"]
        return str(commits[0]["commit"])

    def shared_edit(self, title: str, slice: str = "") -> tuple[str, dict, str]:
        """One line of a shared file changed, as it stands at the head: base, edit, new digest."""
        path = f"shared/{self.random.randrange(SHARED_FILES)}.txt"
        base = self.head(slice)
        shown = self.caller.api("read file", "GET", self.at(f"file/?path={path}&commit={base}", slice))
        lines = shown.content.splitlines(keepends=True)
        lines[self.random.randrange(len(lines))] = f"line of {title}.\n".encode()
        [digest] = self.caller.upload("acme", [b"".join(lines)])
        return base, {"op": "modify", "path": path, "mode": "100644", "digest": digest}, digest

    def propose(
        self, title: str, base: str | None, edits: list[dict], merge: bool, slice: str = ""
    ) -> Answer:
        body = {"title": title, "base": base, "edits": edits, "merge": merge}
        self.ledger.sending(title)
        kind = "land" if merge else "propose"
        codes = REFUSALS if merge else ()
        return self.caller.api(kind, "POST", self.at("changesets/", slice), body, keyed=True, codes=codes)

    def land(self, title: str, base: str | None, edits: list[dict], slice: str = "") -> bool:
        began = time.time()
        answer = self.propose(title, base, edits, merge=True, slice=slice)
        if answer.status < 300:
            files = {edit["path"]: edit["digest"] for edit in edits if edit["op"] != "delete"}
            self.landed(title, answer, files, f"line of {title}.", began)
            return True
        named = answer.json.get("details", {}).get("changeset")
        if named is None:
            self.ledger.is_wrong(f"{title}: refused as {answer.code} without its changeset")
        else:
            number = int(named.rpartition("-")[2])
            self.mine[number] = title
            self.ledger.proposed(title, number, refused=True)
        return False

    def landed(self, title: str, answer: Answer, files: dict[str, str], token: str, began: float) -> None:
        told = answer.json
        merged = tuple(told["merged_paths"])
        self.ledger.landed(Landing(title, told["commit"], files, token, began, time.time(), merged))

    def merge(self, number: int) -> bool:
        """Land a changeset of one's own, whose content may have been merged or resolved."""
        began = time.time()
        address = f"changesets/acme/{number}/merge/"
        answer = self.caller.api("merge", "POST", address, {}, codes=(*REFUSALS, "invalid_request"))
        if answer.code == "invalid_request":  # resolved as theirs, it changes nothing any more
            self.abandon(number)
            return True
        if answer.status < 300:
            self.landed(self.mine.pop(number), answer, {}, "", began)
        return answer.status < 300

    def abandon(self, number: int) -> None:
        self.caller.api("abandon", "POST", f"changesets/acme/{number}/abandon/", {"reason": "soak"})
        del self.mine[number]


class Lander(Client):
    """Lands new and changed files of its own, and reads its own writes."""

    def step(self) -> None:
        title = self.title()
        folder = f"{self.slice}/{self.name}"
        paths = {
            f"{folder}/{self.count}.txt": "add",
            f"{folder}/log.txt": "modify" if self.count > 1 else "add",
        }
        contents = [f"{path} of {title}\n".encode() * self.random.randint(1, 60) for path in paths]
        digests = self.caller.upload("acme", contents)
        edits = [
            {"op": op, "path": path, "mode": "100644", "digest": digest}
            for (path, op), digest in zip(paths.items(), digests, strict=True)
        ]
        if not self.land(title, None if self.count == 1 else self.head(), edits):
            self.ledger.is_wrong(f"{title}: nobody else writes there, and it was refused")
            return
        for path, content, digest in zip(paths, contents, digests, strict=True):
            self.ledger.standing[path] = digest
            shown = self.caller.api("read own write", "GET", self.at(f"file/?path={path}&commit=HEAD"))
            if shown.content != content:
                self.ledger.is_wrong(f"{path}: what {title} landed is not what is read after it")


class Sharer(Client):
    """Changes files that all teams share; lands at once, or proposes, and settles the conflicts of its own changesets."""

    def step(self) -> None:
        title = self.title()
        base, edit, _ = self.shared_edit(title)
        if self.random.random() < 0.6:
            self.land(title, base, [edit])
        else:
            number = self.propose(title, base, [edit], merge=False).json["number"]
            self.mine[number] = title
            self.ledger.proposed(title, number)
        if len(self.mine) > 2:
            self.settle(self.random.choice(sorted(self.mine)))

    def settle(self, number: int) -> None:
        """Abandon it, or resolve what stands in its way, and land it."""
        if self.random.random() < 0.15:
            self.abandon(number)
            return
        self.caller.api("list conflicts", "GET", f"conflicts/acme/?changeset=cl-{number}")
        if not self.merge(number):
            choice = {"all": self.random.choice(["ours", "theirs", "auto"])}
            codes = ("unresolvable", "outdated_base")
            self.caller.api("resolve", "POST", f"changesets/acme/{number}/resolve/", choice, codes=codes)
            self.merge(number)


class Proposer(Sharer):
    """Works in the slice that wants an approval: proposes, amends, and lands what somebody approved."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.slice = "reviewed"

    def step(self) -> None:
        title = self.title()
        base, edit, digest = self.shared_edit(title)
        own = {
            "op": "add",
            "path": f"reviewed/{self.name}/{self.count}.txt",
            "mode": "100644",
            "digest": digest,
        }
        number = self.propose(title, base, [edit, own], merge=False).json["number"]
        self.mine[number] = title
        self.ledger.proposed(title, number)
        if self.random.random() < 0.3:
            base, edit, _ = self.shared_edit(title)
            body = {"base": base, "edits": [edit], "message": "Anew"}
            codes = ("outdated_base",)
            address = f"changesets/acme/{number}/patchsets/"
            self.caller.api("new patchset", "POST", address, body, keyed=True, codes=codes)
        if len(self.mine) > 3:
            self.settle(min(self.mine))


class Reviewer(Client):
    """Reads open changesets, comments, approves."""

    def step(self) -> None:
        listed = self.caller.api("list changesets", "GET", "changesets/?org=acme&status=open&limit=30").json
        for row in self.random.sample(listed["items"], min(3, len(listed["items"]))):
            address = f"changesets/acme/{row['number']}/"
            self.caller.api("read changeset", "GET", address)
            self.caller.api("diff of changeset", "GET", address + "diff/")
            remark = {"body": f"Seen by {self.name}"}
            self.caller.api("comment", "POST", address + "comments/", remark, keyed=True)
            if row["author"] != self.person.username:
                verdict = {"verdict": "approve", "expected_patchset": row["patchset"]}
                self.caller.api("review", "POST", address + "reviews/", verdict, keyed=True)


class Reader(Client):
    """Checks slices out as `gs` does, and compares every content with the manifest."""

    def step(self) -> None:
        slice = self.random.choice(TEAMS)
        manifest = self.caller.api("manifest", "GET", self.at("manifest/", slice))
        commit = manifest.headers["X-GitSlice-Commit"]
        lines = [line.split(" ", 3) for line in manifest.content.decode().splitlines()]
        some = self.random.sample(lines, min(40, len(lines)))
        wanted = {"commit": commit, "paths": [path for _, _, _, path in some]}
        pack = self.caller.api("objects", "POST", self.at("objects/", slice), wanted)
        reader = PackReader(io.BytesIO(pack.content))
        got = {digest_of(reader.content(blob)) for blob in reader}
        if got != {digest for _, digest, _, _ in some}:
            self.ledger.is_wrong(f"objects of {slice} at {commit} are not those of its manifest")
        path = quote(some[0][3])
        for kind, rest in (
            ("tree", f"tree/?commit={commit}"),
            ("blame", f"blame/?path={path}&commit={commit}"),
            ("commits", "commits/?limit=50"),
            ("commit diff", f"commits/{commit}/diff/"),
            ("archive", f"archive/?commit={commit}"),
        ):
            if self.random.random() < 0.5:
                self.caller.api(kind, "GET", self.at(rest, slice))


class Browser(Client):
    """Signs in with a password, then looks at pages."""

    PAGES = (
        "/", "/slices/", "/changesets/", "/acme/changesets/", "/acme/global/", "/acme/slices/red/",
        "/acme/slices/red/history/", "/acme/slices/green/overlaps/", "/search/?q=line",
        "/acme/slices/blue/tree/shared", "/acme/slices/red/blame/shared/0.txt", "/account/",
    )  # fmt: skip

    def step(self) -> None:
        if self.count % 15 == 0:
            self.caller.sign_in(self.person.username, self.person.password)
        self.count += 1
        path = self.random.choice(self.PAGES)
        if self.random.random() < 0.3 and self.ledger.proposals:
            number = self.random.choice(list(self.ledger.proposals.values()))
            path = f"/acme/changesets/{number}/"
        answer = self.caller.page("page", path)
        if answer.status != 200:
            self.ledger.is_wrong(f"{path}: {answer.status}, to who is signed in")


class Searcher(Client):
    """Searches for what has landed, and asks for conflicts and the global state."""

    def step(self) -> None:
        word = self.random.choice(["line of", "lander", "soak"])
        self.caller.api("search", "GET", f"search/acme/?q={quote(word)}", codes=("search_too_slow",))
        self.caller.api("list conflicts", "GET", "conflicts/acme/?limit=50")
        self.caller.api("global state", "GET", "global/acme/")
        if self.person.administers:
            dry = self.random.random() < 0.5
            body = {"max_commits": self.random.randint(1, 50), "dry_run": dry}
            self.caller.api("batch merge", "POST", "global/acme/merge/", body)


ROLES: tuple[Callable[..., Client], ...] = (
    Lander,
    Sharer,
    Reader,
    Browser,
    Proposer,
    Reviewer,
    Lander,
    Searcher,
)
