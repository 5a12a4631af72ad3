"""Batch merges: what a batch costs on a small and on a large tree, and what it leaves of the rate of landings."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from bench.landing import rest_rate
from bench.system import REPOSITORY, GitSlice

LANDINGS = 60  # of each team in a round: seconds, so that one slow moment does not decide

# Trees of 50,000 and of 1,000,000 paths in 100 slices' folders, by rows; then batches of 1,000 commits of 5 files each.
CODE = """
import json, resource, statistics, sys, time
from accounts.models import Organization, User
from accounts.services import create_organization
from django.db import connection
from slices.global_state.batches import Limits
from slices.global_state.merging import merge_global
from slices.models import Slice
from slices.services import create_slice

owner = User.objects.get(username="bench")

def run(sql, **values):
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(sql, values)

def grown(slug, count):
    organization = create_organization(slug=slug, owner=owner)
    for n in range(100):
        create_slice(actor=owner, organization=organization, name=f"team{n}", includes=[f"team{n}/**"], excludes=[])
    run("WITH done AS (INSERT INTO slices_commit (organization_id, seq, digest, slice_id, author_id, message, landed_at, file_count, merged_paths)"
        " SELECT %(org)s, nextval('slices_commit_order'), sha256(%(slug)s::bytea), id, %(owner)s, 'Rows', now(), %(count)s, '[]'"
        " FROM slices_slice WHERE organization_id = %(org)s AND name = 'root' RETURNING seq)"
        " INSERT INTO slices_pathhead (organization_id, path, mode, digest, size, seq)"
        " SELECT %(org)s, 'team' || n %% 100 || '/d' || n / 10000 || '/f' || n / 100, '100644', sha256(n::text::bytea), 10, seq"
        " FROM done, generate_series(0, %(count)s - 1) n", org=organization.pk, slug=slug, owner=owner.pk, count=count)
    run("INSERT INTO slices_pathversion (organization_id, path, new_mode, new_digest, new_size, seq, op)"
        " SELECT organization_id, path, mode, digest, size, seq, 'add' FROM slices_pathhead WHERE organization_id = %(org)s", org=organization.pk)
    run("ANALYZE")
    started = time.perf_counter()
    merge_global(actor=None, organization=organization)
    return organization, time.perf_counter() - started

def landed(organization, commits, label):
    "Commits by rows: the n-th changes 5 files of team n modulo 100."
    teams = list(organization.slices.exclude(name="root").order_by("pk").values_list("pk", flat=True))
    run("WITH done AS (INSERT INTO slices_commit (organization_id, seq, digest, slice_id, author_id, message, landed_at, file_count, merged_paths)"
        " SELECT %(org)s, nextval('slices_commit_order'), sha256((%(label)s || n)::bytea), (%(teams)s::bigint[])[1 + n %% 100], %(owner)s, 'Rows', now(), 5, '[]'"
        " FROM generate_series(0, %(count)s - 1) n RETURNING seq, slice_id),"
        " numbered AS (SELECT seq, slice_id, row_number() OVER (ORDER BY seq) - 1 AS n FROM done),"
        " logged AS (INSERT INTO slices_slicelog (slice_id, seq) SELECT slice_id, seq FROM done),"
        " wanted AS (SELECT seq, 'team' || n %% 100 || '/d' || (n / 100 + k) %% 5 || '/f' || 100 * ((n / 100 + k) %% 5) + (n / 100 * 5 + k) %% 100 AS path, n, k FROM numbered, generate_series(0, 4) k)"
        " INSERT INTO slices_pathversion (organization_id, seq, path, op, old_mode, old_digest, new_mode, new_digest, new_size)"
        " SELECT %(org)s, wanted.seq, wanted.path, 'modify', '100644', coalesce(lag(sha256((%(label)s || n || ' ' || k)::bytea)) OVER w, head.digest), '100644', sha256((%(label)s || n || ' ' || k)::bytea), 10"
        " FROM wanted JOIN slices_pathhead head ON head.organization_id = %(org)s AND head.path = wanted.path WINDOW w AS (PARTITION BY wanted.path ORDER BY wanted.seq)",
        org=organization.pk, label=label, teams=teams, owner=owner.pk, count=commits)
    run("UPDATE slices_pathhead head SET digest = newest.new_digest, seq = newest.seq FROM"
        " (SELECT DISTINCT ON (path) path, new_digest, seq FROM slices_pathversion WHERE organization_id = %(org)s ORDER BY path, seq DESC) newest"
        " WHERE head.organization_id = %(org)s AND head.path = newest.path AND head.seq < newest.seq", org=organization.pk)

def say(*facts):
    print("FIGURE", *facts, sep="|", flush=True)
"""

BATCHES = """
small, first_small = grown("merge-small", 50_000)
large, first_large = grown("merge-large", 1_000_000)
say("first", first_small, first_large, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
times = {small: [], large: []}
for number in range(ROUNDS + 1):
    for organization, taken in times.items():
        landed(organization, 1000, f"round {number} ")
        run("ANALYZE slices_pathversion, slices_commit, slices_treenode, slices_mergedcommit")
        started = time.perf_counter()
        merged, batch = merge_global(actor=None, organization=organization)
        taken.append(time.perf_counter() - started)
        assert (merged.commit_count, merged.path_count) == (1000, 5000), (merged.commit_count, merged.path_count)
say("batch", *(statistics.median(taken[1:]) for taken in times.values()))
"""

# Merges go on until the landings that are measured beside them are done: then our input ends.
BUSY = """
import threading
small = Organization.objects.get(slug="merge-small")
landed(small, 60_000, "busy ")
done = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), done.set()), daemon=True).start()
say("ready")
count = 0
while not done.is_set() and merge_global(actor=None, organization=small, limits=Limits(commits=1000)):
    count += 1
say("merged", count, done.is_set())
"""


def batches(system: GitSlice, rounds: int) -> dict[str, list[float]]:
    """`first`: seconds of the first batch of both trees, MB at its peak; `batch`: median seconds of 1,000 commits."""
    out = system.manage("shell", "--verbosity", "0", stdin=f"ROUNDS = {rounds}\n{CODE}{BATCHES}\n")
    return {name: [float(value) for value in facts] for name, *facts in _figures(out)}


def landing_rates(system: GitSlice, rounds: int) -> tuple[float, float, int]:
    """Median landings a second alone and beside batch merges, alternating, and how many batches that were."""
    alone, beside, merged = [], [], 0
    for number in range(rounds + 1):
        alone.append(rest_rate(system, LANDINGS, f"alone{number}", "merge-small"))
        rate, count = _beside(system, f"beside{number}")
        beside.append(rate)
        merged += count
    return statistics.median(alone[1:]), statistics.median(beside[1:]), merged


def _beside(system: GitSlice, label: str) -> tuple[float, int]:
    code = (CODE + BUSY).replace('"busy "', json.dumps(f"{label} "))
    process = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", code],
        cwd=REPOSITORY, env=system.environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    assert "ready" in process.stdout.readline()
    time.sleep(0.2)
    rate = rest_rate(system, LANDINGS, label, "merge-small")
    process.stdin.close()
    out = process.stdout.read()
    assert process.wait() == 0
    [(_, count, _)] = _figures(out)
    assert int(count) > 0
    return rate, int(count)


def _figures(out: str) -> list[list[Any]]:
    return [line.split("|")[1:] for line in out.splitlines() if line.startswith("FIGURE")]
