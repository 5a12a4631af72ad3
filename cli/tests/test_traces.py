"""One trace from `gs` through web, SQL and object store to the worker, as a real receiver of OTLP gets it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from people import Gs

from slices.models import Slice
from tests.processes import REPOSITORY, WebServer, server_environment
from tests.world import World

PATIENCE = 60  # seconds


class Span(NamedTuple):
    service: str
    name: str
    trace: str
    attributes: dict[str, str]


class Collector(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.spans: list[Span] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def await_span(self, name: str, trace: str) -> Span:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for span in list(self.spans):
                if (span.name, span.trace) == (name, trace):
                    return span
            time.sleep(0.05)
        raise AssertionError(f"no span {name} came; of {[(s.service, s.name) for s in self.spans]}")


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert self.path == "/v1/traces"
        body = self.rfile.read(int(self.headers["Content-Length"]))
        read = from_json if self.headers["Content-Type"] == "application/json" else from_protobuf
        self.server.spans += read(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def from_protobuf(body: bytes) -> Iterator[Span]:
    for part in ExportTraceServiceRequest.FromString(body).resource_spans:
        service = {pair.key: pair.value.string_value for pair in part.resource.attributes}["service.name"]
        for scope in part.scope_spans:
            for span in scope.spans:
                told = {pair.key: pair.value.string_value for pair in span.attributes}
                yield Span(service, span.name, span.trace_id.hex(), told)


def from_json(body: bytes) -> Iterator[Span]:
    for part in json.loads(body)["resourceSpans"]:
        service = part["resource"]["attributes"][0]["value"]["stringValue"]
        for scope in part["scopeSpans"]:
            for span in scope["spans"]:
                yield Span(service, span["name"], span["traceId"], {})


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    yield collector
    collector.shutdown()
    collector.server_close()


@pytest.fixture
def traced_server(world: World, collector: Collector, tmp_path: Path) -> Iterator[WebServer]:
    """A web process and a worker that send their spans soon."""
    told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with (tmp_path / "log").open("wb") as log:
        server = WebServer(server_environment() | told, workers=1, errors=log)
        command = [sys.executable, "-m", "celery", "-A", "gitslice", "worker", "--pool", "solo"]
        worker = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=server.environment | {"GITSLICE_ROLE": "worker"},
            stdout=log,
            stderr=log,
        )
        yield server
        worker.kill()
        worker.wait()
        server.stop()


def test_one_trace_has_all_parts(
    world: World, web: Slice, traced_server: WebServer, collector: Collector, tmp_path: Path
) -> None:
    gs = Gs(traced_server, tmp_path / "ann", world.token(world.owner))
    gs.run("init", "acme/web", "work")
    here = gs.at(gs.folder / "work")
    (here.folder / "web" / "new.txt").write_text("something new that nobody has\n")
    here.environment = here.environment | {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
    here.run("changeset", "create", "-m", "New")
    (own,) = [span for span in collector.spans if span.service == "gs"]
    assert own.name == "gs changeset"
    request = collector.await_span("POST api/v1/slices/<str:org>/<str:name>/changesets/", own.trace)
    assert request.service == "gitslice-web"
    insert = collector.await_span("INSERT", own.trace)
    assert insert.attributes["db.query.text"].startswith("INSERT INTO ")
    assert "something new" not in str(collector.spans)
    collector.await_span("object store put", own.trace)
    collector.await_span("queue conflicts.detect", own.trace)
    assert collector.await_span("run conflicts.detect", own.trace).service == "gitslice-worker"
    done = awaited_line(tmp_path / "log", "gitslice.tasks")
    asked = awaited_line(tmp_path / "log", "gitslice.access", route=request.name.removeprefix("POST "))
    assert done["request_id"] == asked["request_id"]
    assert (done["task"], done["state"]) == ("conflicts.detect", "success")


def awaited_line(log: Path, logger: str, **facts: str) -> dict[str, str]:
    deadline = time.monotonic() + PATIENCE
    wanted = {"logger": logger, **facts}
    while time.monotonic() < deadline:
        for text in reversed(log.read_text().splitlines()):
            line = json.loads(text) if text.startswith("{") else {}
            if line and wanted.items() <= line.items():
                return line
        time.sleep(0.05)
    raise AssertionError(f"no line {wanted}")


def test_a_trace_of_the_caller_goes_on(
    world: World, web: Slice, traced_server: WebServer, collector: Collector, tmp_path: Path
) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    gs = Gs(traced_server, tmp_path / "ann", world.token(world.owner))
    gs.environment["TRACEPARENT"] = f"00-{trace}-b7ad6b7169203331-01"
    gs.run("slice", "list")
    collector.await_span("GET api/v1/slices/", trace)


def test_no_exporter_is_imported_unless_it_is_wanted() -> None:
    program = "import django; django.setup(); import sys; sys.exit('opentelemetry.exporter' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY)
    assert done.returncode == 0
