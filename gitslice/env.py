"""What settings become: secrets that the system makes, and URLs as Django and its libraries want them."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import ssl
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

from gitslice.configuration import Configuration, WrongSettings
from gitslice.configuration.declared import SETTINGS

PORT = "port"  # in the data folder, as the next
FACTS = "embedded.json"  # where the embedded servers are
SYSTEM = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH")


def complete(found: Configuration, base: Path) -> None:
    """What the system finds by itself where nobody set anything. Raises WrongSettings where a process that serves has
    no servers."""
    home = found.values["GITSLICE_HOME"] = (base / found["GITSLICE_HOME"]).resolve()
    _use_embedded(found, home)
    for name, make, origin in (
        ("GITSLICE_SECRET_KEY", lambda: kept_secret(home / "secret_key"), str(home / "secret_key")),
        ("OBJECT_STORE_URL", lambda: f"file://{quote(str(home / 'objects'))}", "default"),
        ("GITSLICE_STATIC_ROOT", lambda: home / "static", "default"),
        ("GITSLICE_SECURE", lambda: bool(found["GITSLICE_TLS_CERT"]), "default"),
        ("GITSLICE_PUBLIC_URL", lambda: public_url(found, home), "default"),
    ):
        if not found.is_given(name):
            found.use(name, make(), origin)


def _use_embedded(found: Configuration, home: Path) -> None:
    """The servers that the system started itself, if it did. Commands may do without any."""
    facts = home / FACTS
    embedded = json.loads(facts.read_text()) if facts.exists() else {}
    problems = []
    for name, nowhere in (
        ("DATABASE_URL", "postgresql://gitslice@127.0.0.1:1/gitslice"),
        ("REDIS_URL", "redis://127.0.0.1:1/0"),
    ):
        if found.is_given(name):
            continue
        url = embedded.get(name.lower())
        if not url and found["GITSLICE_ROLE"] != "command":
            expected = SETTINGS[name].kind.expected
            problems.append(
                f"{name} is missing, and no embedded server runs in {home}; it must be {expected}"
            )
        found.use(name, url or nowhere, "embedded server" if url else "none: no embedded server runs")
    if problems:
        raise WrongSettings(problems)


def public_url(found: Configuration, home: Path) -> str:
    """This machine, at the port that is set, or at which the system in this data folder was started last."""
    port = found["GITSLICE_PORT"] if found.is_given("GITSLICE_PORT") else kept_port(home)
    scheme = "https" if found["GITSLICE_TLS_CERT"] else "http"
    return f"{scheme}://localhost:{port or found['GITSLICE_PORT']}"


def keep_port(home: Path, port: int) -> None:
    """Tell commands that run beside the system where it answers."""
    (home / PORT).write_text(str(port))


def kept_port(home: Path) -> str:
    try:
        return (home / PORT).read_text()
    except OSError:
        return ""


def bare_environment() -> dict[str, str]:
    """What a server that runs as another user needs of our environment: none of the secrets in it."""
    return {name: os.environ[name] for name in SYSTEM if name in os.environ}


def kept_secret(path: Path) -> str:
    """The secret in a file that only we can read; made on first use, the same for all who race to make it."""
    if not path.exists():
        private_folder(path.parent)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()


def private_folder(folder: Path) -> None:
    """Make a folder that others cannot list; root's may be passed through, for servers that run as `nobody`, whatever
    the umask."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)


def database(url: str, password: str = "") -> dict[str, Any]:
    """Django's connection facts of a `postgresql://user:password@host:port/name?option=value` URL."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": password or unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or query.pop("host", "")),
        "PORT": str(parts.port or query.pop("port", "")),
    } | ({"OPTIONS": query} if query else {})


def patience(found: Configuration) -> str:
    """Options of PostgreSQL's library: how long statements take, and wait for locks, at most. Web requests are not to
    hold up others; workers come again; who runs a command waits for it."""
    prefixes = {"web": "GITSLICE", "worker": "GITSLICE_WORKER"}
    if (prefix := prefixes.get(found["GITSLICE_ROLE"])) is None:
        return ""
    statement, lock = found[f"{prefix}_SQL_TIMEOUT_SECONDS"], found[f"{prefix}_LOCK_TIMEOUT_SECONDS"]
    return f"-c statement_timeout={statement}s -c lock_timeout={lock}s"


def redis(url: str, password: str = "") -> tuple[str, dict[str, Any]]:
    """The address with its password, and what the connection's TLS takes: the server's certificate is checked, against
    the system's authorities or those in the file `ca`, as is its name."""
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    authority = query.pop("ca", None)
    host = parts.netloc
    if password:
        user = host.rpartition("@")[0].partition(":")[0]
        host = f"{user}:{quote(password, safe='')}@{host.rpartition('@')[2]}"
    address = urlunsplit((parts.scheme, host, parts.path, urlencode(query), ""))
    if parts.scheme != "rediss":
        return address, {}
    checks = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return address, checks | ({"ssl_ca_certs": authority} if authority else {})


def email(url: str, password: str = "") -> dict[str, Any]:
    """Django's mail settings of `smtp://user:password@host:port` (or `smtps://` for TLS from the start; with
    `smtp://...?tls=1` TLS begins on the way). Empty: no mail is sent."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or (465 if parts.scheme == "smtps" else 25),
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": password or unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parse_qs(parts.query).get("tls") == ["1"],
        "EMAIL_TIMEOUT": 20,
    }


def object_storage(url: str) -> dict[str, object]:
    """The entry of STORAGES for `file:///folder` or `s3://bucket?endpoint=http://host:port&region=name&prefix=text`;
    `ca` names a file of authorities that certificates are checked against. Keys are settings of their own."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path)},
        }
    from botocore.config import Config  # half a second of imports that only this back end needs

    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    patience = {
        "connect_timeout": 5,
        "read_timeout": 30,
        "retries": {"mode": "standard", "total_max_attempts": 4},
    }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            "endpoint_url": query.get("endpoint"),
            "region_name": query.get("region", "us-east-1"),
            "location": query.get("prefix", ""),
            "verify": query.get("ca"),
            "default_acl": None,
            "file_overwrite": True,
            "querystring_auth": True,
            "client_config": Config(s3={"addressing_style": "path"}, signature_version="s3v4", **patience),
        },
    }


def share_metrics(home: Path, role: str) -> None:
    """Processes that serve count into files of one folder, so that any of them can tell the sum. The counting library
    reads where from the environment, when it is first imported."""
    if role in ("web", "worker") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        folder = home / "metrics"
        folder.mkdir(parents=True, exist_ok=True)
        _forget_counts_of_the_dead(folder)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _forget_counts_of_the_dead(folder: Path) -> None:
    """Files are called like `counter_4711.db`, by process. One with our own number is of somebody who had it before."""
    for path in folder.glob("*_*.db"):
        number = path.stem.rpartition("_")[2]
        if number.isdecimal() and (int(number) == os.getpid() or not _alive(int(number))):
            path.unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
