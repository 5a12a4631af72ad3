"""The frame around every command: exit codes, one JSON document, errors, start-up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gs.cli import program
from gs.context import Context, changeset_number
from gs.errors import GsError
from gs.main import run

HEAVY = {
    "click",
    "rich_click",
    "rich",
    "ssl",
    "http.client",
    "gs.connection",
    "json",
    "pathlib",
    "zstandard",
    "typing",
}


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No configuration, no working directory, no server."""
    monkeypatch.setenv("GITSLICE_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("GITSLICE_API_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.delenv("GITSLICE_AUTH_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


def commands(group=None, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    group = group or program()
    found = []
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        found += commands(command, (*path, name)) if hasattr(command, "table") else [(*path, name)]
    return found


def test_every_command_has_help_json_and_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    for path in commands():
        assert run([*path, "--help"]) == 0, path
        text = capsys.readouterr().out
        assert "--json" in text, path
        assert "--quiet" in text, path


def test_every_group_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    for group in (
        [],
        ["slice"],
        ["changeset"],
        ["conflict"],
        ["auth"],
        ["config"],
        ["token"],
        ["org"],
        ["cache"],
    ):
        assert run([*group, "--help"]) == 0
        assert "--help" in capsys.readouterr().out


def test_every_command_stands_in_one_panel() -> None:
    from gs.cli import PANELS

    assert sorted(name for names in PANELS.values() for name in names) == sorted(program().table)


def test_wrong_usage_is_64_with_a_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["slice", "list", "--nonsense"]) == 64
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "hint: gs slice list --help" in err


@pytest.mark.parametrize("arguments", [["nonsense"], ["slice", "list", "--nonsense"], ["slice"], ["show"]])
def test_wrong_usage_is_a_document_with_json(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, "--json"]) == 64
    out, err = capsys.readouterr()
    assert json.loads(out)["error"]["code"] == "usage"
    assert err == ""


def test_errors_have_their_exit_code_and_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["slice", "list", "--json"]) == 3
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "unauthenticated"
    assert set(error) == {"code", "message", "hint", "details"}


def test_an_unreachable_server_is_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITSLICE_AUTH_TOKEN", "gst_x")
    assert run(["slice", "list"]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err


def test_commands_of_a_directory_say_that_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["changeset", "merge"]) == 23
    assert "gs init" in capsys.readouterr().err


def test_completion_scripts_are_for_both_names(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert run(["completion", shell]) == 0
        text = capsys.readouterr().out
        assert "_GS_COMPLETE" in text
        assert "gitslice" in text


def test_settings_are_written_read_and_removed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "set", "organization", "acme"]) == 0
    capsys.readouterr()
    assert run(["config", "get", "organization"]) == 0
    assert capsys.readouterr().out == "acme\n"
    assert run(["config", "unset", "organization"]) == 0
    assert run(["config", "get", "organization"]) == 1
    assert run(["config", "unset", "organization"]) == 1
    assert run(["config", "set", "nonsense", "x"]) == 64


def test_pages_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["docs", "--print"]) == 0
    assert capsys.readouterr().out == "http://127.0.0.1:9/docs/\n"


def test_signing_in_by_the_browser_needs_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["auth", "login"]) == 2
    assert run(["auth", "login", "--token", "x", "--scope", "read"]) == 64


def test_not_signed_in_is_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["auth", "status", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["signed_in"], data["user"], data["orgs"]) == (False, None, [])


def spawn(*arguments: str, flags: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *flags, "-m", "gs.main", *arguments]
    folder = Path(__file__).parent.parent
    return subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True
    )


def imported(*arguments: str) -> set[str]:
    lines = spawn(*arguments, flags=("-X", "importtime")).stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def test_the_version_needs_nothing_heavy() -> None:
    assert spawn("--version").stdout.startswith("gs ")
    assert not HEAVY & imported("--version")


def test_status_needs_neither_click_nor_network() -> None:
    assert not {"click", "rich_click", "rich", "ssl", "gs.connection"} & imported("status")


def test_a_reader_that_went_away_is_no_error() -> None:
    folder = Path(__file__).parent.parent
    command = f"{sys.executable} -m gs.main completion bash | true"
    env = {**os.environ, "PYTHONPATH": str(folder)}
    result = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True)
    assert result.stderr == ""


def test_names_of_slices_and_changesets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITSLICE_ORGANIZATION", "acme")
    ctx = Context()
    assert ctx.parse_slice("web") == ("acme", "web")
    assert ctx.parse_slice("other/web") == ("other", "web")
    assert (
        ctx.parse_changeset("cl-7")
        == ctx.parse_changeset("7")
        == ctx.parse_changeset("acme/CL-7")
        == ("acme", 7)
    )


@pytest.mark.parametrize("text", ["", "cl-", "cl-x", "0", "-1", "1.5", "²"])
def test_what_is_no_changeset_is_refused(text: str) -> None:
    with pytest.raises(GsError) as caught:
        changeset_number(text)
    assert caught.value.exit_code == 64


@pytest.mark.parametrize("text", ["a/b/c", "/b", "a/"])
def test_what_is_no_slice_is_refused(text: str) -> None:
    with pytest.raises(GsError):
        Context().parse_slice(text)
