"""What is counted where, and that docs, dashboard and rules name what there is."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from prometheus_client import Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from changesets.errors import MergeConflict
from conflicts.detection import detect
from gitslice.env import share_metrics
from gitslice.objects.services import put_blobs, read_blobs
from gitslice.telemetry import metrics
from gitslice.telemetry.exposition import exposition
from gitslice.telemetry.heartbeats import beat
from gitslice.telemetry.serving import serve
from slices.global_state.merging import merge_global
from slices.tasks import index_landed
from tests.processes import free_port
from tests.world import World

REPOSITORY = Path(__file__).resolve().parents[3]
KINDS = {Counter: "counter", Gauge: "gauge", Histogram: "histogram"}
FILES = (("counter", os.getppid()), ("counter", 999_999_999), ("gauge_livesum", os.getpid()))
ASKED = {  # found out when `/metrics` is asked for
    "gitslice_version": "version",
    "gitslice_queue_messages": "queue",
    "gitslice_queue_age_seconds": "queue",
    "gitslice_worker_heartbeat_age_seconds": "",
}


def declared() -> Iterator[Counter | Gauge | Histogram]:
    return (value for value in vars(metrics).values() if isinstance(value, tuple(KINDS)))


def values() -> dict[tuple[str, tuple[str, ...]], float]:
    """Samples by name and the values of their labels, in the order of the labels' names."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(exposition().decode())
        for sample in family.samples
    }


class Difference:
    def __init__(self) -> None:
        self.before = values()

    def of(self, name: str, *labels: str) -> float:
        return values().get((name, labels), 0) - self.before.get((name, labels), 0)


@pytest.fixture
def difference(db: None) -> Difference:
    return Difference()


def test_requests(difference):
    in_flight = values().get(("gitslice_http_requests_in_flight", ()), 0)
    client = Client()
    client.get("/api/v1/slices/nobody/nothing/")
    client.get("/no/such/thing/anywhere/")
    route = "api/v1/slices/<str:org>/<str:name>/"
    assert difference.of("gitslice_http_requests_total", "GET", route, "401") == 1
    assert difference.of("gitslice_http_requests_total", "GET", "unmatched", "404") == 1
    assert difference.of("gitslice_http_request_seconds_count", route) == 1
    assert difference.of("gitslice_sql_statements_total", "web") > 0
    assert values()["gitslice_http_requests_in_flight", ()] == in_flight


def test_odd_methods_are_one(difference):
    Client().generic("PROPFIND", "/livez")
    assert difference.of("gitslice_http_requests_total", "other", "livez", "405") == 1


def test_a_changeset_from_landing_to_the_global_state(difference, settings):
    settings.GITSLICE_METRICS_ORGANIZATIONS = True
    world = World()
    web = world.slice("web", "web/**")
    world.land(web, {"web/a": b"1\n"})
    late = world.propose(web, {"web/a": b"2\n"})
    world.land(web, {"web/a": b"3\n"})
    with pytest.raises(MergeConflict):
        world.merge(late)
    detect(late)
    assert merge_global(actor=None, organization=world.organization)
    assert not merge_global(actor=None, organization=world.organization)
    assert difference.of("gitslice_landings_total", "clean", "acme") == 2
    assert difference.of("gitslice_landing_refusals_total", "merge_conflict", "acme") == 1
    assert difference.of("gitslice_landing_seconds_count") == 3
    assert difference.of("gitslice_lock_wait_seconds_count", "slices") == 2
    assert difference.of("gitslice_conflicts_opened_total", "landed", "content", "high") == 1
    assert difference.of("gitslice_global_merges_total", "merged") == 1
    assert difference.of("gitslice_global_merges_total", "nothing") == 1
    assert difference.of("gitslice_global_merged_commits_total", "acme") == 2


def test_the_object_store(difference):
    world = World()
    content = b"content" * 1000
    ((digest, _),) = put_blobs(user=world.owner, organization=world.organization, contents=[content])
    read_blobs(world.organization.pk, [digest])
    assert difference.of("gitslice_store_requests_total", "put", "ok") == 1
    assert difference.of("gitslice_store_requests_total", "read", "ok") >= 1
    assert difference.of("gitslice_store_bytes_total", "put") > 0
    assert difference.of("gitslice_store_bytes_total", "read") > 0


def test_sign_ins(difference):
    Client().post("/login/", {"login": "nobody", "password": "wrong-password"})
    Client().get("/api/v1/me/", headers={"Authorization": "Bearer gst_nonsense"})
    assert difference.of("gitslice_sign_ins_total", "failed") == 1
    assert difference.of("gitslice_tokens_refused_total") == 1


def test_queues_and_workers(difference):
    index_landed.delay()
    found = values()
    assert found["gitslice_queue_messages", ("celery",)] >= 1
    assert found["gitslice_queue_age_seconds", ("celery",)] >= 0
    assert found["gitslice_queue_messages", ("webhooks",)] == 0
    beat()
    assert 0 <= values()["gitslice_worker_heartbeat_age_seconds", ()] < 60


def test_organizations_are_no_label_unless_they_may_be(difference):
    world = World()
    world.land(world.root, {"a": b"1\n"})
    assert difference.of("gitslice_landings_total", "clean", "") == 1


def test_docs_tell_of_every_metric():
    page = (REPOSITORY / "docs/observability.md").read_text()
    rows = re.findall(r"^\| `(gitslice_\w+)` \| (\w+) \| ([^|]*) \| ([^|]*) \|$", page, re.MULTILINE)
    expected = {
        (metric._name + "_total" * isinstance(metric, Counter), KINDS[type(metric)]): (
            ", ".join(f"`{label}`" for label in metric._labelnames),
            metric._documentation,
        )
        for metric in declared()
    }
    told = {(name, kind): (labels, meaning) for name, kind, labels, meaning in rows if name not in ASKED}
    assert told == expected
    assert {row[0] for row in rows} >= set(ASKED)


def exported() -> set[str]:
    names = set(ASKED)
    for metric in declared():
        suffixes = {Counter: ("_total",), Gauge: ("",), Histogram: ("_bucket", "_count", "_sum")}[
            type(metric)
        ]
        names |= {metric._name + suffix for suffix in suffixes}
    return names


@pytest.mark.parametrize("place", ["deploy/grafana/gitslice.json", "deploy/prometheus/alerts.yml"])
def test_dashboard_and_rules_name_what_is_exported(place):
    text = (REPOSITORY / place).read_text()
    named = set(re.findall(r"\bgitslice_[a-z_]+\b", text))
    assert len(named) > 5
    assert named <= exported()


def test_the_dashboard_is_whole():
    board = json.loads((REPOSITORY / "deploy/grafana/gitslice.json").read_text())
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    assert len({panel["id"] for panel in panels}) == len(panels) > 10
    for panel in panels:
        assert panel["title"]
        assert all(target["expr"] for target in panel["targets"])
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24


def test_workers_serve_them_at_a_port_of_their_own(settings):
    port = free_port()
    serve(port)
    serve(port)  # another worker of the same machine
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"gitslice_tasks_total" in answer.read()
    settings.GITSLICE_METRICS_TOKEN = "secret"
    for path in ("/metrics", "/"):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}{path}")


def test_files_of_processes_that_are_gone_are_dropped(tmp_path, monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    folder = tmp_path / "metrics"
    folder.mkdir()
    kept, *gone = (folder / f"{kind}_{pid}.db" for kind, pid in FILES)
    for path in (kept, *gone):
        path.touch()
    share_metrics(tmp_path, "web")
    assert list(folder.iterdir()) == [kept]
    assert os.environ.pop("PROMETHEUS_MULTIPROC_DIR") == str(folder)
