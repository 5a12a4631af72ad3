"""Where settings come from, and that tokens are kept for one server and one person."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gs import config
from gs.errors import GsError


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GITSLICE_API_ENDPOINT", "GITSLICE_AUTH_TOKEN", "GITSLICE_ORGANIZATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GITSLICE_CONFIG_DIR", str(tmp_path / "config"))
    work = tmp_path / "work"
    (work / ".gs").mkdir(parents=True)
    monkeypatch.chdir(work)
    return work


def test_without_anything_the_default_holds() -> None:
    assert config.lookup("endpoint") == (config.DEFAULT_ENDPOINT, "default")
    assert config.get("organization") is None


def test_environment_beats_working_directory_beats_user(
    folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.set_value(config.user_file(), "organization", "user")
    assert config.lookup("organization") == ("user", "user")
    config.set_value(config.workdir_file(folders), "organization", "directory")
    assert config.lookup("organization") == ("directory", "working directory")
    monkeypatch.setenv("GITSLICE_ORGANIZATION", "environment")
    assert config.lookup("organization") == ("environment", "environment")


def test_a_directory_does_not_say_which_programs_are_run(folders: Path) -> None:
    config.set_value(config.workdir_file(folders), "editor", "evil")
    assert config.get("editor") is None


def test_the_working_directory_is_found_from_below(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.set_value(config.workdir_file(folders), "organization", "acme")
    (folders / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(folders / "a" / "b")
    assert config.get("organization") == "acme"


def test_tokens_are_for_one_endpoint_and_one_person() -> None:
    config.save_token("https://one.example", "gst_one", "ada")
    config.save_token("https://two.example", "gst_two", "ada")
    assert config.token("https://one.example") == "gst_one"
    assert config.token("https://three.example") is None
    assert stat.S_IMODE(os.stat(config.credentials_file()).st_mode) == 0o600
    assert config.forget_token("https://one.example")
    assert not config.forget_token("https://one.example")
    assert config.token("https://two.example") == "gst_two"


def test_a_token_file_that_others_could_read_is_closed() -> None:
    config.save_token("https://one.example", "gst_one", "ada")
    os.chmod(config.credentials_file(), 0o644)
    config.save_token("https://two.example", "gst_two", "ada")
    assert stat.S_IMODE(os.stat(config.credentials_file()).st_mode) == 0o600


def test_what_is_written_is_read_back() -> None:
    data = {"plain": 'quote " back \\ line\n é', "flag": True, "n": 3, "table with space": {"a.b": "c"}}
    config.write(config.user_file(), data)
    assert config.read(config.user_file()) == data


def test_a_damaged_file_is_named() -> None:
    config.write(config.user_file(), {})
    Path(config.user_file()).write_text("= nonsense")
    with pytest.raises(GsError, match=r"config\.toml"):
        config.endpoint()


@pytest.mark.parametrize(
    "text", ["https://gs.example/", "https://gs.example/api/v1/", " https://gs.example "]
)
def test_endpoints_are_kept_in_one_form(text: str) -> None:
    assert config.normalize_endpoint(text) == "https://gs.example"


@pytest.mark.parametrize(
    "text", ["gs.example", "ftp://gs.example", "https://", "", "http://h:port", "http://h/x", "http://a@h"]
)
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(GsError) as caught:
        config.normalize_endpoint(text)
    assert caught.value.exit_code == 64
