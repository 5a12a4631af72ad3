"""Settings: read from the environment and a file, checked all at once, told without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from gitslice import configuration, env
from gitslice.configuration import WrongSettings
from gitslice.configuration.declared import OTHERS, SECTIONS, SETTINGS
from gitslice.configuration.telling import in_force, with_tables, without_password

REPOSITORY = Path(__file__).resolve().parents[3]
MARKER = "Hunter2-marker"


def problems(**environment: str) -> list[str]:
    with pytest.raises(WrongSettings) as raised:
        configuration.read(environment)
    return raised.value.problems


def write(folder: Path, text: str) -> str:
    file = folder / "gitslice.toml"
    file.write_text(text)
    return str(file)


def test_defaults_hold():
    found = configuration.read({})
    assert found["GITSLICE_PORT"] == 8000
    assert found["GITSLICE_MAX_BLOB_BYTES"] == 2 << 30
    assert found["GITSLICE_DEMO"] is True
    assert found["GITSLICE_TRUSTED_PROXIES"] == []
    assert not found.warnings
    assert {setting.name for section in SECTIONS for setting in section.settings} == set(found.values)


def test_the_environment_is_stronger_than_the_file_and_nothing_is_as_good_as_none(tmp_path):
    path = write(
        tmp_path,
        'GITSLICE_PORT = 81\nGITSLICE_BIND = "::1"\nGITSLICE_DEMO = false\nGITSLICE_ALLOWED_HOSTS = ["a", "b"]\n'
        'GITSLICE_MAX_JSON_BYTES = "2 MiB"\n',
    )
    found = configuration.read({"GITSLICE_CONFIG": path, "GITSLICE_PORT": "82", "GITSLICE_BIND": ""})
    assert (found["GITSLICE_PORT"], found.origins["GITSLICE_PORT"]) == (82, "environment")
    assert (found["GITSLICE_BIND"], found.origins["GITSLICE_BIND"]) == ("::1", path)
    assert found["GITSLICE_DEMO"] is False
    assert found["GITSLICE_ALLOWED_HOSTS"] == ["a", "b"]
    assert found["GITSLICE_MAX_JSON_BYTES"] == 2 << 20


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("GITSLICE_PORT", "http", "a whole number from 1 to 65535; it is 'http' (environment)"),
        ("GITSLICE_PORT", "65536", "from 1 to 65535"),
        ("GITSLICE_MAX_EDITS", "0", "at least 1"),
        ("GITSLICE_MAX_BLOB_BYTES", "2 GB", "such as 1048576 or 1 MiB"),
        ("GITSLICE_DEMO", "perhaps", "1 or 0"),
        ("GITSLICE_LOG_LEVEL", "info", "one of DEBUG, INFO"),
        ("GITSLICE_TRUSTED_PROXIES", "10.0.0.1/8", "networks like 10.1.0.0/16"),
        ("GITSLICE_DNS_SERVERS", "10.1.0.53", "addresses like 10.1.0.53:53"),
        ("GITSLICE_PUBLIC_URL", "gitslice.example.com", "https://gitslice.example.com"),
        ("GITSLICE_TLS_CERT", "/nowhere.pem", "No such file"),
        ("DATABASE_URL", "postgresql://host:port/name", "postgresql://user@host:port/name"),
        ("DATABASE_URL", "postgresql://host", "postgresql://user@host:port/name"),
        ("REDIS_URL", "memcached://x", "redis://, rediss:// or unix://"),
        ("OBJECT_STORE_URL", "s3:bucket", "s3://bucket?endpoint=URL"),
        ("GITSLICE_EMAIL_URL", "smtp://", "smtp://user@host:port"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_expected(name, value, expected):
    (line, *others) = problems(**{name: value})
    assert line.startswith(f"{name} must be ")
    assert expected in line
    assert not [other for other in others if "needs" not in other]


def test_all_wrong_ones_are_told_at_once_and_secrets_are_not_repeated(tmp_path):
    path = write(tmp_path, f'GITSLICE_PROT = 1\nDATABASE_URL = "mysql://me:{MARKER}@host/x"\n')
    told = problems(GITSLICE_CONFIG=path, GITSLICE_MAX_EDITS="no", REDIS_URL=f"memcached://:{MARKER}@x")
    assert [line.split()[0] for line in told] == [
        *("GITSLICE_PROT", "DATABASE_URL", "REDIS_URL", "GITSLICE_MAX_EDITS")
    ]
    assert "is GITSLICE_PORT meant?" in told[0]
    assert MARKER not in "".join(told)


def test_unknown_names_in_the_environment_are_warnings():
    found = configuration.read(
        {"GITSLICE_MAX_EDIT": "3", "GITSLICE_AUTH_TOKEN": "x", "GITSLICE_SECRET_KEY_FILES": "x"}
    )
    assert found.warnings == [
        "GITSLICE_MAX_EDIT is not a setting; is GITSLICE_MAX_EDITS meant?",
        "GITSLICE_SECRET_KEY_FILES is not a setting; is GITSLICE_SECRET_KEY_FILE meant?",
    ]
    assert not OTHERS & set(SETTINGS)


@pytest.mark.parametrize("text", [f'A = "{MARKER}', f"DATABASE_URL = {MARKER}", "\x00"])
def test_a_file_that_is_no_toml_is_named_and_not_repeated(tmp_path, text):
    (line,) = problems(GITSLICE_CONFIG=write(tmp_path, text))
    assert line.startswith("GITSLICE_CONFIG must name a file in TOML")
    assert MARKER not in line
    assert "GITSLICE_CONFIG" in problems(GITSLICE_CONFIG="/nowhere")[0]


@pytest.mark.parametrize("name", [name for name, setting in SETTINGS.items() if setting.secret])
def test_every_secret_can_lie_in_a_file(tmp_path, name):
    text = {
        "DATABASE_URL": "postgresql://a/b",
        "REDIS_URL": "redis://a",
        "GITSLICE_EMAIL_URL": "smtp://a",
    }.get(name, MARKER)
    file = tmp_path / "secret"
    file.write_text(f"\n{text}\n")
    with_others = {
        "DATABASE_PASSWORD": {"DATABASE_URL": "postgresql://a/b"},
        "REDIS_PASSWORD": {"REDIS_URL": "redis://a"},
        "GITSLICE_EMAIL_PASSWORD": {"GITSLICE_EMAIL_URL": "smtp://a"},
        "AWS_ACCESS_KEY_ID": {"AWS_SECRET_ACCESS_KEY": "x"},
        "AWS_SECRET_ACCESS_KEY": {"AWS_ACCESS_KEY_ID": "x"},
    }.get(name, {})
    given = {f"{name}_FILE": str(file)} | with_others
    found = configuration.read(given)
    assert found[name] in (text, [text])
    assert found.origins[name] == f"environment, {name}_FILE"
    assert MARKER not in str(in_force(found))
    assert "both set" in problems(**(given | {name: text}))[0]
    file.write_text("\n")
    assert f"{name}_FILE must name a file that holds a text" in problems(**given)[0]
    assert "No such file" in problems(**(given | {f"{name}_FILE": "/nowhere"}))[0]


def test_settings_that_need_another(tmp_path):
    assert problems(GITSLICE_OPEN_SIGN_UP="1") == [
        "GITSLICE_OPEN_SIGN_UP needs GITSLICE_EMAIL_URL: addresses are verified by mail"
    ]
    assert "needs GITSLICE_TLS_KEY" in problems(GITSLICE_TLS_CERT=__file__)[0]


@pytest.mark.parametrize("role", ["web", "worker", "beat"])
def test_processes_that_serve_need_servers(tmp_path, role):
    found = configuration.read({"GITSLICE_HOME": str(tmp_path), "GITSLICE_ROLE": role})
    with pytest.raises(WrongSettings) as raised:
        env.complete(found, REPOSITORY)
    assert [line.split()[0] for line in raised.value.problems] == ["DATABASE_URL", "REDIS_URL"]
    commands = configuration.read({"GITSLICE_HOME": str(tmp_path)})
    env.complete(commands, REPOSITORY)
    assert commands["GITSLICE_SECRET_KEY"] == (tmp_path / "secret_key").read_text()


PROGRAMS = {
    "manage": ("manage.py", "check"),
    "web": ("-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "gitslice.wsgi"),
    "worker": ("-m", "celery", "-A", "gitslice", "worker"),
    "beat": ("-m", "celery", "-A", "gitslice", "beat"),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program_stops_with_lines_and_no_traceback(tmp_path, program):
    wrong = {"GITSLICE_PORT": "http", "DATABASE_URL": f"mysql://me:{MARKER}@host/x", "GITSLICE_MAX_EDIT": "1"}
    clean = {"PATH": "/usr/bin:/bin", "GITSLICE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, *PROGRAMS[program]],
        cwd=REPOSITORY,
        env=clean | wrong,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["warning:", "GITSLICE_MAX_EDIT"],
        ["error:", "GITSLICE_PORT"],
        ["error:", "DATABASE_URL"],
    ]
    assert MARKER not in done.stdout + done.stderr


def test_what_is_in_force_is_told_with_its_origin_and_without_secrets(tmp_path):
    urls = {"DATABASE_URL": f"postgresql://me:{MARKER}@{MARKER}/@host/x", "REDIS_URL": f"redis://:{MARKER}@h"}
    secrets = {
        name: MARKER for name, setting in SETTINGS.items() if setting.kind.name == "text" and setting.secret
    }
    given = (
        secrets | urls | {"GITSLICE_HOME": str(tmp_path), "GITSLICE_EMAIL_URL": f"smtp://me:{MARKER}@host"}
    )
    given["GITSLICE_TRUSTED_PROXIES"] = "10.0.0.0/8,fd00::/8"
    found = configuration.read(given)
    env.complete(found, REPOSITORY)
    told = {setting.name: setting for setting in in_force(found)}
    assert MARKER not in str(told)
    assert told["GITSLICE_TRUSTED_PROXIES"].value == given["GITSLICE_TRUSTED_PROXIES"]
    assert told["DATABASE_URL"].value == "postgresql://[hidden]@host/x"
    assert told["GITSLICE_PORT"].origin == "default"
    assert set(told) == set(SETTINGS)
    assert without_password("s3://b?endpoint=x&secret_key=y") == "s3://b?endpoint=x&secret_key=[hidden]"


def test_the_page_of_the_documentation_is_current():
    page = (REPOSITORY / "docs/configuration.md").read_text()
    assert with_tables(page) == page


def test_addresses_with_a_password_and_authorities_of_their_own():
    assert env.redis("redis://host:1/2", "p@ss/") == ("redis://:p%40ss%2F@host:1/2", {})
    assert env.redis("redis://me:old@host/2", "new")[0] == "redis://me:new@host/2"
    address, tls = env.redis("rediss://host:1/2?ca=/etc/ca.pem")
    assert address == "rediss://host:1/2"
    assert tls["ssl_ca_certs"] == "/etc/ca.pem"
    assert tls["ssl_check_hostname"] is True
    told = env.database("postgresql://me@host/x?sslmode=verify-full&sslrootcert=/ca.pem", "p@ss")
    assert told["PASSWORD"] == "p@ss"
    assert told["OPTIONS"] == {"sslmode": "verify-full", "sslrootcert": "/ca.pem"}


@pytest.mark.parametrize(
    ("role", "shown"), [("web", ("10s", "4s")), ("worker", ("7min", "1min")), ("command", ("0", "0"))]
)
def test_statements_and_locks_have_limits_by_role(role, shown):
    given = {"GITSLICE_LOCK_TIMEOUT_SECONDS": "4", "GITSLICE_WORKER_SQL_TIMEOUT_SECONDS": "420"}
    options = env.patience(configuration.read({"GITSLICE_ROLE": role} | given))
    with psycopg.connect(os.environ["DATABASE_URL"], options=options) as connection:
        asked = ("statement_timeout", "lock_timeout")
        assert tuple(connection.execute(f"SHOW {name}").fetchone()[0] for name in asked) == shown
