"""Settings from the environment, typed. A wrong value stops the start with one line that names it."""

from __future__ import annotations

import contextlib
import os
import secrets
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

PORT = "port"  # in the data folder
DEFAULT_PORT = 8000


class SettingError(Exception):
    """A setting is missing or wrong."""


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except ValueError:
        raise SettingError(f"{name} must be a whole number, not {value!r}") from None


def flag(name: str, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None or value == "":
        return default
    if value.lower() in ("1", "true", "yes", "on"):
        return True
    if value.lower() in ("0", "false", "no", "off"):
        return False
    raise SettingError(f"{name} must be 1 or 0, not {value!r}")


def words(name: str, default: str) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    """Networks like 10.1.0.0/16, separated by commas."""
    try:
        return [ip_network(word) for word in words(name, "")]
    except ValueError as error:
        raise SettingError(f"{name} must be networks like 10.1.0.0/16: {error}") from None


def servers(name: str) -> list[tuple[str, int]]:
    """Addresses with ports like 10.1.0.53:53, separated by commas."""
    try:
        pairs = [word.rpartition(":") for word in words(name, "")]
        return [(str(ip_address(host.strip("[]"))), int(port)) for host, _, port in pairs]
    except ValueError as error:
        raise SettingError(f"{name} must be addresses like 10.1.0.53:53: {error}") from None


def home(base: Path) -> Path:
    """The data folder, absolute."""
    return (base / text("GITSLICE_HOME", ".data")).resolve()


def public_url(home: Path) -> str:
    """The address that people use: as set, else this machine at the port that is set, or at which the system in this
    data folder was started last."""
    port = text("GITSLICE_PORT") or _kept_port(home)
    return text("GITSLICE_PUBLIC_URL", f"http://localhost:{port}")


def keep_port(home: Path, port: int) -> None:
    """Tell commands that run beside the system where it answers."""
    (home / PORT).write_text(str(port))


def _kept_port(home: Path) -> str:
    try:
        return (home / PORT).read_text()
    except OSError:
        return str(DEFAULT_PORT)


def secret_key(folder: Path) -> str:
    """GITSLICE_SECRET_KEY, or one made once and kept in the data folder."""
    return text("GITSLICE_SECRET_KEY") or kept_secret(folder / "secret_key")


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


def database(url: str) -> dict[str, Any]:
    """Django's connection facts of a `postgresql://user:password@host:port/name?option=value` URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql") or not parts.path.strip("/"):
        raise SettingError("DATABASE_URL must look like postgresql://user:password@host:port/name")
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    try:
        port = str(parts.port or query.pop("port", ""))
    except ValueError:
        raise SettingError("DATABASE_URL has a port that is not a number") from None
    return {
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or query.pop("host", "")),
        "PORT": port,
    } | ({"OPTIONS": query} if query else {})


def redis(url: str) -> str:
    if urlsplit(url).scheme not in ("redis", "rediss", "unix"):
        raise SettingError("REDIS_URL must begin with redis://, rediss:// or unix://")
    return url


def email(url: str) -> dict[str, Any]:
    """Django's mail settings of `smtp://user:password@host:port` (or `smtps://` for TLS from the start; with
    `smtp://...?tls=1` TLS begins on the way). Empty: no mail is sent."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise SettingError("GITSLICE_EMAIL_URL must look like smtp://user:password@host:port")
    try:
        port = parts.port or (465 if parts.scheme == "smtps" else 25)
    except ValueError:
        raise SettingError("GITSLICE_EMAIL_URL has a port that is not a number") from None
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parse_qs(parts.query).get("tls") == ["1"],
        "EMAIL_TIMEOUT": 20,
    }


def check_open_sign_up(is_open: bool, mail: str) -> None:
    """Whoever makes an account is asked to show that the e-mail address is theirs."""
    if is_open and not mail:
        raise SettingError("GITSLICE_OPEN_SIGN_UP needs GITSLICE_EMAIL_URL: addresses are verified by mail")


def object_storage(url: str) -> dict[str, object]:
    """The entry of STORAGES for `file:///folder` or `s3://bucket?endpoint=http://host:port&region=name&prefix=text`.

    Keys for S3 come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or from the machine's role.
    """
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.path.startswith("/"):
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": unquote(parts.path)},
        }
    if parts.scheme == "s3" and parts.netloc:
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
                "default_acl": None,
                "file_overwrite": True,
                "querystring_auth": True,
                "client_config": Config(
                    s3={"addressing_style": "path"}, signature_version="s3v4", **patience
                ),
            },
        }
    raise SettingError("OBJECT_STORE_URL must be file:///folder or s3://bucket?endpoint=URL")


def share_metrics(home: Path, role: str) -> None:
    """Processes that serve count into files of one folder, so that any of them can tell the sum. The counting library
    reads where from the environment, when it is first imported."""
    if role in ("web", "worker") and "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        folder = home / "metrics"
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
