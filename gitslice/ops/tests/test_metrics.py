from __future__ import annotations

from django.test import Client

from gitslice.telemetry.metrics import DETECTION_SECONDS


def test_this_machine_reads_what_was_counted():
    DETECTION_SECONDS.observe(0.2)
    text = Client().get("/metrics").content.decode()
    assert "gitslice_conflict_detection_seconds_count" in text


def test_others_find_nothing():
    assert Client().get("/metrics", REMOTE_ADDR="10.0.0.9").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 404


def test_a_token_admits(settings):
    settings.GITSLICE_METRICS_TOKEN = "secret"
    client = Client()
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    answer = client.get("/metrics", headers={"Authorization": "Bearer secret"}, REMOTE_ADDR="10.0.0.9")
    assert answer.status_code == 200
