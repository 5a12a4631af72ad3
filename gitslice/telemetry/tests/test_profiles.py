"""Samples of a running web process."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from gitslice.ops.management.commands import profile
from gitslice.telemetry.profiles import listens, sample, speedscope
from tests.processes import WebServer


def spin(until: threading.Event) -> None:
    while not until.is_set():
        sum(range(1000))


def test_what_other_threads_do_is_seen():
    until = threading.Event()
    threading.Thread(target=spin, args=(until,)).start()
    seen = sample(0.2)
    until.set()
    document = speedscope(seen, "test")
    frames = document["shared"]["frames"]
    assert "spin" in {frame["name"] for frame in frames}
    (taken,) = document["profiles"]
    assert len(taken["samples"]) == len(taken["weights"]) > 0
    assert taken["endValue"] == sum(taken["weights"])
    assert max(number for stack in taken["samples"] for number in stack) < len(frames)


def test_a_running_web_process_is_sampled_and_goes_on(web_server: WebServer, tmp_path, capsys):
    call_command("profile")
    listed = {int(line.split()[0]) for line in capsys.readouterr().out.splitlines()}
    master = web_server.process.pid
    children = open(f"/proc/{master}/task/{master}/children").read().split()  # noqa: SIM115
    worker = int(children[0])
    assert worker in listed
    output = tmp_path / "profile.json"
    call_command("profile", pid=worker, seconds=0.5, output=output)
    document = json.loads(output.read_text())
    assert any("gunicorn" in frame["file"] for frame in document["shared"]["frames"])
    assert AuditEvent.objects.filter(action="server.profile", object=str(worker)).exists()
    assert web_server.process.poll() is None
    os.kill(worker, 0)
    with pytest.raises(CommandError, match="exists already"):
        call_command("profile", pid=worker, seconds=0.5, output=output)


@pytest.mark.django_db
def test_processes_that_would_not_understand_are_left_alone(tmp_path):
    assert not listens(os.getpid())
    with pytest.raises(CommandError, match="no web server or worker"):
        call_command("profile", pid=os.getpid(), output=tmp_path / "p.json")
    assert not (tmp_path / "p.json").exists()
    with pytest.raises(CommandError, match="at most"):
        call_command("profile", pid=1, seconds=3600)


@pytest.mark.django_db
def test_too_many_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(profile, "MOST_AN_HOUR", 1)
    for reason in ("no web server or worker", "too many requests"):
        with pytest.raises(CommandError, match=reason):
            call_command("profile", pid=os.getpid(), output=tmp_path / f"{time.monotonic()}.json")
