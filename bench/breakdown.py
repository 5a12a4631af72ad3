"""Where the time of a request goes: SQL, object store, and the rest, which is Python."""

from __future__ import annotations

import statistics

from bench.system import GitSlice

CODE = """
import io, json, hashlib, os, time
from django.conf import settings
from django.db import connection
from django.test import Client
from gitslice.objects import store as stores
from gitslice_core.packs import PackWriter
settings.ALLOWED_HOSTS = ["*"]
spent = {"sql": 0.0, "queries": 0, "store": 0.0}
def sql(execute, *arguments):
    started = time.perf_counter()
    try:
        return execute(*arguments)
    finally:
        spent["sql"] += time.perf_counter() - started
        spent["queries"] += 1
put, read = stores.DiskStore.put_pack, stores.DiskStore.read_ranges
def timed_put(self, name, spooled):
    started = time.perf_counter()
    put(self, name, spooled)
    spent["store"] += time.perf_counter() - started
def timed_read(self, name, ranges):
    chunks = read(self, name, ranges)
    while True:
        started = time.perf_counter()
        chunk = next(chunks, None)
        spent["store"] += time.perf_counter() - started
        if chunk is None:
            return
        yield chunk
stores.DiskStore.put_pack, stores.DiskStore.read_ranges = timed_put, timed_read
client, headers = Client(), {"Authorization": "Bearer " + os.environ["BENCH_TOKEN"]}
def call(name, method, path, body=None, kind="application/json"):
    for key in spent: spent[key] = 0
    started = time.perf_counter()
    with connection.execute_wrapper(sql):
        answer = getattr(client, method)("/api/v1/" + path, *([body, kind] if body is not None else []), headers=headers)
        if answer.streaming: b"".join(answer.streaming_content)
    assert answer.status_code < 300, answer.content
    print("FIGURE", name, time.perf_counter() - started, spent["queries"], spent["sql"], spent["store"], sep="|")
for number in range(12):
    file = io.BytesIO(); writer = PackWriter(file)
    digests = [writer.add(f"{time.time_ns()} {n}".encode()) for n in range(5)]; writer.finish()
    call("upload of 5 files", "post", "uploads/acme/", file.getvalue(), "application/x-gitslice-pack")
    edits = [{"op": "add", "path": f"team0/b{number}-{time.time_ns()}-{n}", "mode": "100644", "digest": d.hex()} for n, d in enumerate(digests)]
    call("create and land 5 files", "post", "slices/acme/team0/changesets/", json.dumps({"title": "x", "edits": edits, "merge": True}))
    call("manifest of the medium slice", "get", "slices/acme/medium/manifest/")
    call("all blobs of the medium slice", "post", "slices/acme/medium/objects/", json.dumps({"commit": "HEAD", "all": True}))
"""


def lines(system: GitSlice) -> list[str]:
    """Medians of ten requests each, made in a process of their own after two to warm up."""
    system.environment["BENCH_TOKEN"] = system.token
    out = system.manage("shell", "--verbosity", "0", stdin=f"exec({CODE!r})\n")
    figures: dict[str, list[tuple[float, ...]]] = {}
    for line in out.splitlines():
        if "FIGURE|" in line:
            _, name, *numbers = line[line.index("FIGURE|") :].split("|")
            figures.setdefault(name, []).append(tuple(map(float, numbers)))
    return [_line(name, rows[2:]) for name, rows in figures.items()]


def _line(name: str, rows: list[tuple[float, ...]]) -> str:
    total, queries, sql, store = (statistics.median(column) for column in zip(*rows, strict=True))
    rest = total - sql - store
    return (
        f"{name}: {total * 1000:.1f} ms, of that SQL {sql * 1000:.1f} ms in {queries:.0f} statements,"
        f" object store {store * 1000:.1f} ms, Python {rest * 1000:.1f} ms"
    )
