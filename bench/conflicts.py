"""Conflicts: what detection costs with many open changesets, and how soon people hear of it."""

from __future__ import annotations

import http.client
import io
import json
import statistics
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.landing import Caller
from bench.system import GitSlice
from gitslice_core.packs import PackWriter

WATCHERS = 500

# 200 slices, their files and open changesets of 5 files by rows; detection runs as the worker runs it.
CODE = '''
import random, statistics, time
from accounts.models import Organization, User
from accounts.services import create_organization
from changesets.edits import WantedEdit
from changesets.models import Changeset
from changesets.services import Proposal, create_changeset
from conflicts.models import Conflict
from conflicts.tasks import detect_conflicts, detect_for_paths
from django.db import connection
from gitslice.objects.services import put_blobs
from slices.models import Slice
from slices.services import create_slice

owner = User.objects.get(username="bench")
crowd = create_organization(slug="crowd", owner=owner)
lines = [f"line {n}" for n in range(200)]
def text(at, word):
    return ("\\n".join([*lines[:at], word, *lines[at + 1:]]) + "\\n").encode()
texts = [text(at, f"changed {at}") for at in range(0, 200, 10)]
(base, size), *news = put_blobs(user=owner, organization=crowd, contents=["\\n".join(lines).encode() + b"\\n", *texts])
teams = [create_slice(actor=owner, organization=crowd, name=f"team{n}", includes=[f"team{n}/**"], excludes=[]) for n in range(200)]

def run(sql, *values):
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(sql, values)
        return cursor.fetchall() if cursor.description else None

[(seq,)] = run("SELECT nextval('slices_commit_order')")
run("INSERT INTO slices_commit (organization_id, seq, digest, slice_id, author_id, message, landed_at, file_count, merged_paths)"
    " SELECT %s, %s, sha256('crowd'::bytea), id, %s, 'Rows', now(), 0, '[]' FROM slices_slice WHERE organization_id = %s AND name = 'root'",
    crowd.pk, seq, owner.pk, crowd.pk)
run("INSERT INTO slices_pathhead (organization_id, path, mode, digest, size, seq) SELECT %s, 'team' || t || '/f' || n, '100644', %s, %s, %s"
    " FROM generate_series(0, 199) t, generate_series(0, 499) n", crowd.pk, base, size, seq)
run("INSERT INTO slices_pathversion (organization_id, path, new_mode, new_digest, new_size, seq, op)"
    " SELECT organization_id, path, mode, digest, size, seq, 'add' FROM slices_pathhead WHERE organization_id = %s", crowd.pk)
run("UPDATE slices_slice SET head_id = (SELECT id FROM slices_commit WHERE organization_id = %s) WHERE organization_id = %s AND name <> 'root'", crowd.pk, crowd.pk)
run("INSERT INTO slices_slicelog (slice_id, seq) SELECT id, %s FROM slices_slice WHERE organization_id = %s AND name <> 'root'", seq, crowd.pk)

def open_by_rows(first, count, slices):
    """Changesets of 5 random files each, spread over the slices."""
    run("INSERT INTO changesets_changeset (organization_id, number, slice_id, title, description, author_id, state, closed_reason, created_at, updated_at)"
        " SELECT %s, n, (%s::bigint[])[1 + n %% %s], 'Rows', '', %s, 'pending', '', now(), now() FROM generate_series(%s::int, %s::int) n",
        crowd.pk, [one.pk for one in slices], len(slices), owner.pk, first, first + count - 1)
    run("INSERT INTO changesets_patchset (changeset_id, number, base_id, author_id, message, origin, decisions, digest, file_count, created_at)"
        " SELECT c.id, 1, s.head_id, %s, '', 'edit', '{}', sha256(c.id::text::bytea), 5, now() FROM changesets_changeset c JOIN slices_slice s ON s.id = c.slice_id"
        " WHERE c.organization_id = %s AND c.patchset_id IS NULL", owner.pk, crowd.pk)
    run("UPDATE changesets_changeset c SET patchset_id = p.id FROM changesets_patchset p WHERE p.changeset_id = c.id AND c.organization_id = %s AND c.patchset_id IS NULL", crowd.pk)
    run("INSERT INTO changesets_edit (organization_id, patchset_id, path, op, mode, digest, size, base_mode, base_digest, base_size)"
        " SELECT c.organization_id, c.patchset_id, s.name || '/f' || (c.number * 7 + k * 101) %% 500, 'modify', '100644',"
        " (%s::bytea[])[1 + (c.number + k) %% %s], 1500, '100644', %s, %s FROM changesets_changeset c JOIN slices_slice s ON s.id = c.slice_id, generate_series(0, 4) k"
        " WHERE c.organization_id = %s AND c.number BETWEEN %s AND %s", [digest for digest, _ in news], len(news), base, size, crowd.pk, first, first + count - 1)
    run("INSERT INTO conflicts_openedit (organization_id, path, changeset_id, patchset_id, seen_seq)"
        " SELECT e.organization_id, e.path, c.id, e.patchset_id, %s FROM changesets_edit e JOIN changesets_changeset c ON c.patchset_id = e.patchset_id"
        " WHERE c.organization_id = %s AND c.number BETWEEN %s AND %s", seq, crowd.pk, first, first + count - 1)
    run("INSERT INTO changesets_changesetcounter (organization_id, last) VALUES (%s, %s) ON CONFLICT (organization_id) DO UPDATE SET last = %s", crowd.pk, first + count - 1, first + count - 1)
    run("ANALYZE")

chance = random.Random(5)
def one_more(paths=None):
    paths = paths or [f"team0/f{n}" for n in chance.sample(range(500), 5)]
    edits = [WantedEdit("modify", path, "100644", chance.choice(news)[0]) for path in paths]
    return create_changeset(actor=owner, slice=team, title="One more", proposal=Proposal("HEAD", edits), announce=False)

team = Slice.objects.select_related("organization", "definition", "head").get(pk=teams[0].pk)
def timings(count):
    taken = []
    for _ in range(count):
        pk = one_more().pk
        started = time.perf_counter()
        detect_conflicts(pk)
        taken.append(time.perf_counter() - started)
        Changeset.objects.filter(pk=pk).update(state="abandoned")
        detect_conflicts(pk)
    return taken[5:]

open_by_rows(1, 50, teams[:1])
open_by_rows(51, 950, teams[1:])
few = timings(105)
[(newest,)] = run("SELECT last FROM changesets_changesetcounter WHERE organization_id = %s", crowd.pk)
open_by_rows(newest + 1, 9000, teams[1:])
many = timings(105)
p95 = lambda values: sorted(values)[int(len(values) * 0.95)]
print("FIGURE", "detect", p95(few), p95(many), statistics.median(few), statistics.median(many), sep="|")
for _ in range(100):
    detect_conflicts(one_more(["team0/f0", *(f"team0/f{n}" for n in chance.sample(range(1, 500), 4))]).pk)
print("FIGURE", "crowded", Conflict.objects.open().count(), sep="|")
'''


def detection(system: GitSlice) -> dict[str, list[float]]:
    """`detect`: 95th percentiles and medians of one detection with 1,000 and with 10,000 open changesets, seconds.
    Leaves 100 open changesets that edit one file."""
    told = system.manage("shell", "--verbosity", "0", stdin=CODE + "\n")
    rows = [line.split("|") for line in told.splitlines() if line.startswith("FIGURE")]
    return {name: [float(value) for value in values] for _, name, *values in rows}


def crowded_landing(system: GitSlice) -> float:
    """Seconds from landing on a file that 100 open changesets edit until all of them know it."""
    caller = Caller(system.port, system.token)
    started = time.perf_counter()
    _land_on(caller, "team0/f0", "landed")
    while True:
        listed = _get(system, "conflicts/crowd/?path=team0/f0&with=landed&limit=200")["items"]
        if len(listed) >= 100:
            return time.perf_counter() - started
        if time.perf_counter() - started > 120:
            return float("inf")
        time.sleep(0.05)


def latency(system: GitSlice, rounds: int) -> float:
    """Median seconds from the answer to a landing until a watcher reads its event."""
    answer = _watch(system)
    caller, taken = Caller(system.port, system.token), []
    for number in range(rounds):
        _land_on(caller, f"team1/new{number}", "event", op="add")
        landed = time.perf_counter()
        while b"changeset.land" not in answer.readline():
            pass
        taken.append(time.perf_counter() - landed)
    return statistics.median(taken)


def watchers_cost(system: GitSlice) -> tuple[float, float, float]:
    """(MB that WATCHERS watchers add to the web processes, landings a second without them, and with them)."""
    caller = Caller(system.port, system.token)

    def rate(label: str) -> float:
        started = time.perf_counter()
        for number in range(60):
            _land_on(caller, f"team2/{label}{number}", label, op="add")
        return 60 / (time.perf_counter() - started)

    rate("warm")
    before, alone = _resident(system), rate("alone")
    answers = [_watch(system) for _ in range(WATCHERS)]
    readers = [threading.Thread(target=_read, args=[answer], daemon=True) for answer in answers[:1]]
    for reader in readers:
        reader.start()
    watched = rate("watched")
    return _resident(system) - before, alone, watched


def _read(answer: Any) -> None:
    while answer.readline():
        pass


def _watch(system: GitSlice) -> Any:
    connection = http.client.HTTPConnection("127.0.0.1", system.port)
    connection.request("GET", "/api/v1/events/crowd/", headers={"Authorization": f"Bearer {system.token}"})
    answer = connection.getresponse()
    if answer.status != 200 or not answer.readline().startswith(b": watching"):
        raise RuntimeError(f"a watcher was not served: {answer.status}")
    return answer


def _resident(system: GitSlice) -> float:
    """MB of memory that the web processes hold, pages shared by several counted once."""
    total = 0
    for process in system.web_processes():
        for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def _land_on(caller: Caller, path: str, text: str, op: str = "modify") -> None:
    file = io.BytesIO()
    writer = PackWriter(file)
    digest = writer.add(f"{text} {time.time_ns()}\n".encode())
    writer.finish()
    caller.post("uploads/crowd/", file.getvalue(), "application/x-gitslice-pack")
    edits = [{"op": op, "path": path, "mode": "100644", "digest": digest.hex()}]
    slice = path.partition("/")[0]
    body = json.dumps({"title": text, "edits": edits, "merge": True}).encode()
    caller.post(f"slices/crowd/{slice}/changesets/", body)


def _get(system: GitSlice, path: str) -> Any:
    address = f"{system.url}/api/v1/{path}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {system.token}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
