"""Landings: `gs submit` and the REST API against commit and push; and what a bigger tree costs."""

from __future__ import annotations

import http.client
import io
import json
import multiprocessing
import statistics
import threading
import time
from pathlib import Path
from typing import Any

from bench.system import Git, GitSlice
from gitslice_core.packs import PackWriter

TEAMS = 8
FILES = 5


def write_files(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(FILES):
        (folder / f"{number}.txt").write_text(f"{text} {number}\n")


def run_threads(work: Any) -> float:
    """Seconds that `work(team)` takes for all teams at once."""
    threads = [threading.Thread(target=work, args=[team]) for team in range(TEAMS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


def make_slices(system: GitSlice, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for team in range(TEAMS):
        system.gs("slice", "create", f"team{team}", "--files", f"team{team}/**", at=folder)
        system.gs("init", f"acme/team{team}", f"team{team}", at=folder)


def submit_rate(system: GitSlice, folder: Path, rounds: int, label: str) -> float:
    """`gs submit` processes landed a second, all teams at once."""

    def work(team: int) -> None:
        at = folder / f"team{team}"
        for number in range(rounds):
            write_files(at / f"team{team}", f"{label} {number}")
            system.gs("submit", "-m", "Change", at=at)

    return TEAMS * rounds / run_threads(work)


def clone_for_push(git: Git, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for team in range(TEAMS):
        git.checkout(folder / f"team{team}", [f"team{team}"])


def push_rate(git: Git, folder: Path, rounds: int, label: str) -> float:
    """Commit and push, with pull --rebase and again while others are faster; landed a second."""

    def work(team: int) -> None:
        at = folder / f"team{team}"
        for number in range(rounds):
            write_files(at / f"team{team}", f"{label} {number}")
            git.run("add", "--sparse", f"team{team}", at=at)
            git.run("commit", "-qm", "Change", at=at)
            while git.run("push", "-q", "origin", "main", at=at, check=False).returncode:
                git.run("pull", "-q", "--rebase", "origin", "main", at=at)

    return TEAMS * rounds / run_threads(work)


class Caller:
    """One kept connection to the API."""

    def __init__(self, port: int, token: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Authorization": f"Bearer {token}"}

    def post(self, path: str, body: bytes, kind: str = "application/json") -> Any:
        self.connection.request("POST", f"/api/v1/{path}", body, self.headers | {"Content-Type": kind})
        answer = self.connection.getresponse()
        content = answer.read()
        assert answer.status < 300, content
        return json.loads(content)

    def land(self, organization: str, slice: str, folder: str, text: str, op: str = "add") -> float:
        """Land FILES files; gives the seconds of the landing request alone."""
        contents = [f"{text} {number} {time.time_ns()}\n".encode() for number in range(FILES)]
        file = io.BytesIO()
        writer = PackWriter(file)
        digests = [writer.add(content) for content in contents]
        writer.finish()
        self.post(f"uploads/{organization}/", file.getvalue(), "application/x-gitslice-pack")
        edits = [
            {"op": op, "path": f"{folder}/{number}.txt", "mode": "100644", "digest": digest.hex()}
            for number, digest in enumerate(digests)
        ]
        body = json.dumps({"title": text, "edits": edits, "merge": True}).encode()
        started = time.perf_counter()
        self.post(f"slices/{organization}/{slice}/changesets/", body)
        return time.perf_counter() - started


def _land_for_team(port: int, token: str, organization: str, team: int, rounds: int, label: str) -> None:
    caller = Caller(port, token)
    for number in range(rounds):
        caller.land(organization, f"team{team}", f"team{team}/{label}-{number}", label)


def rest_rate(system: GitSlice, rounds: int, label: str, organization: str = "acme") -> float:
    """Landings a second over kept connections, all teams at once, a process a team."""
    arguments = [(system.port, system.token, organization, team, rounds, label) for team in range(TEAMS)]
    processes = [multiprocessing.Process(target=_land_for_team, args=one) for one in arguments]
    started = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return TEAMS * rounds / (time.perf_counter() - started)


GROW = """
from accounts.models import Organization
from accounts.services import create_organization
from accounts.models import User
from django.db import connection
from slices.models import Slice
from slices.services import create_slice
owner = User.objects.get(username="bench")
for slug, count in (("small", 50_000), ("large", 1_000_000)):
    organization = create_organization(slug=slug, owner=owner)
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT nextval('slices_commit_order')")
        (seq,) = cursor.fetchone()
        cursor.execute("INSERT INTO slices_commit (organization_id, seq, digest, slice_id, author_id, message, landed_at,"
                       " file_count, merged_paths) SELECT %s, %s, sha256(%s::bytea), s.id, %s, 'Rows', now(), %s, '[]'"
                       " FROM slices_slice s WHERE s.organization_id = %s", [organization.pk, seq, slug.encode(), owner.pk, count, organization.pk])
        rows = ("SELECT %s, 'd' || n / 10000 || '/d' || n / 100 || '/f' || n, '100644', sha256(n::text::bytea), 10, %s"
                " FROM generate_series(1, %s) n")
        cursor.execute("INSERT INTO slices_pathhead (organization_id, path, mode, digest, size, seq) " + rows, [organization.pk, seq, count])
        cursor.execute("INSERT INTO slices_pathversion (organization_id, path, new_mode, new_digest, new_size, seq, op)"
                       " SELECT organization_id, path, mode, digest, size, seq, 'add' FROM slices_pathhead WHERE organization_id = %s", [organization.pk])
        cursor.execute("ANALYZE")
    create_slice(actor=owner, organization=organization, name="team", includes=["d1/**"], excludes=[])
"""


def tree_size_cost(system: GitSlice, rounds: int) -> tuple[float, float]:
    """Median seconds of landing FILES files in a tree of 50,000 and of 1,000,000 paths, alternating."""
    system.manage("shell", "--verbosity", "0", stdin=GROW + "\n")
    caller = Caller(system.port, system.token)
    times: dict[str, list[float]] = {"small": [], "large": []}
    for number in range(rounds + 5):
        for organization, taken in times.items():
            taken.append(caller.land(organization, "team", f"d1/new{number}", "size"))
    return statistics.median(times["small"][5:]), statistics.median(times["large"][5:])
