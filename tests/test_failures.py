"""Exceptions that nobody foresaw: programs get a problem document, people a page, and neither is told which."""

from __future__ import annotations

import json
from typing import NoReturn

import pytest
from django.db import OperationalError
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory

from gitslice.common.beginning import with_problems_at_beginning
from gitslice.common.pages import failed
from tests.pages import text_of
from tests.world import World

SECRET = "the-text-of-the-exception"


def fail(*arguments: object, **options: object) -> NoReturn:
    raise LookupError(SECRET)


@pytest.fixture
def client(db: None) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(World().owner)
    return client


@pytest.mark.parametrize("path", ["/api/v1/me/", "/api/v1/slices/acme/root/", "/scim/v2/acme/Schemas"])
def test_programs_get_a_problem_document(client, monkeypatch, caplog, path):
    monkeypatch.setattr("rest_framework.views.APIView.initial", fail)
    monkeypatch.setattr("accounts.scim.views.directory_token", fail)
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert {answer.json()[name] for name in ("code", "status", "title")} == {
        "internal",
        500,
        "The server failed",
    }
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert SECRET in caplog.text


def test_people_get_a_page(client, monkeypatch):
    monkeypatch.setattr("changesets.views.dashboard.render", fail)
    answer = client.get("/")
    assert (answer.status_code, answer["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "Something broke on our side" in text_of(answer.text)
    assert SECRET not in answer.text


@pytest.mark.parametrize("path", ["/login/", "/profile/tokens/", "/api/v1/oauth/token/"])
def test_a_form_in_another_encoding_is_refused(client, path):
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies["csrftoken"] = "a" * 32
    answer = stranger.generic("POST", path, b"a=b", "application/x-www-form-urlencoded; charset=utf-7")
    assert answer.status_code == 400


@pytest.mark.parametrize(("path", "status"), [("/login/", 400), ("/nonsense/nonsense/", 404)])
def test_a_form_that_has_no_parts_is_refused(client, path, status):
    stranger = Client(enforce_csrf_checks=True)
    stranger.cookies["csrftoken"] = "a" * 32
    assert stranger.generic("POST", path, b"a=b", "multipart/form-data").status_code == status


def test_a_host_that_is_not_ours_is_refused(client, settings):
    settings.ALLOWED_HOSTS = ["ours.example"]
    page, problem = (Client().get(path, headers={"Host": "evil.example"}) for path in ("/", "/api/v1/me/"))
    assert (page.status_code, page["Content-Type"]) == (400, "text/html; charset=utf-8")
    assert (problem.status_code, problem.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("path", ["/", "/api/v1/me/"])
def test_neither_needs_the_database(path):
    """Tests may not use it unless they say so."""
    assert failed(RequestFactory().get(path)).status_code == 500


@pytest.mark.parametrize("path", ["/api/v1/nonsense/", "/scim/v2/acme/Nonsense"])
def test_programs_get_a_problem_document_where_nothing_is(client, path):
    answer = client.get(path)
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def streaming(chunks):
    """A WSGI application that answers with this stream; and the response, once it was asked."""
    made = []

    def application(environ, start_response):
        made.append(StreamingHttpResponse(chunks))
        start_response("200 OK", list(made[0].items()))
        return made[0]

    return with_problems_at_beginning(application), made


def failing(*before):
    yield from before
    raise OperationalError("server closed the connection unexpectedly")


def test_a_stream_that_fails_before_its_first_byte_is_a_problem():
    application, made = streaming(failing())
    heard = []
    body = application({}, lambda *told: heard.append(told))
    [(status, headers)] = heard
    assert (status, dict(headers)["Retry-After"]) == ("503 Service Unavailable", "1")
    assert json.loads(b"".join(body))["code"] == "server_busy"
    assert made[0].closed


def test_a_stream_that_fails_later_is_cut_off_and_closed():
    application, made = streaming(failing(b"first"))
    heard = []
    body = application({}, lambda *told: heard.append(told))
    chunks = iter(body)
    assert (heard[0][0], next(chunks)) == ("200 OK", b"first")
    with pytest.raises(OperationalError):
        next(chunks)
    body.close()
    assert made[0].closed


@pytest.mark.parametrize("chunks", [[], [b"one"], [b"one", b"two"]])
def test_a_stream_goes_out_as_it_is(chunks):
    application, _ = streaming(iter(chunks))
    assert b"".join(application({}, lambda *told: None)) == b"".join(chunks)
