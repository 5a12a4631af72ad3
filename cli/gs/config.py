"""Configuration: environment, then `.gs/config` of the working directory, then `config.toml` of the user; and tokens.

Files live in `$GITSLICE_CONFIG_DIR` (default `~/.gitslice`): `config.toml` (settings) and `credentials.toml`
(mode 0600, one table an endpoint with `token` and `user`). Tokens belong to an endpoint, so that a directory that
names another server never gets a token of this one. Flags are stronger than all of it; commands hand them over.
"""

from __future__ import annotations

import os

from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from pathlib import Path

DEFAULT_ENDPOINT = "http://127.0.0.1:8000"

KEYS = {
    "endpoint": "address of the server, such as https://gitslice.example.com",
    "organization": "organization of slices that are written without one",
    "editor": "program for editing texts (default: $VISUAL, $EDITOR, vi)",
    "difftool": "program that compares two folders (default: git diff --no-index --)",
    "ca": "file of the authorities that servers' certificates are checked against (PEM; default: the system's)",
    "allow_http": "1: plain HTTP also to other machines, where everybody on the way can read your token",
}
LOCAL_KEYS = (
    "endpoint",
    "organization",
)  # what a directory may say: never which programs are run, or whom to trust
ENVIRONMENT = {
    "endpoint": "GITSLICE_API_ENDPOINT",
    "organization": "GITSLICE_ORGANIZATION",
    "editor": "GITSLICE_EDITOR",
    "difftool": "GITSLICE_DIFFTOOL",
    "ca": "GITSLICE_CA_FILE",
    "allow_http": "GITSLICE_ALLOW_HTTP",
}


def directory() -> str:
    """The user's folder for configuration and the object cache (not made here)."""
    return os.environ.get("GITSLICE_CONFIG_DIR") or os.path.join(os.path.expanduser("~"), ".gitslice")


def user_file() -> str:
    return os.path.join(directory(), "config.toml")


def credentials_file() -> str:
    return os.path.join(directory(), "credentials.toml")


def workdir_file(root: str | Path) -> str:
    """The configuration of the working directory at `root`."""
    return os.path.join(os.fspath(root), ".gs", "config")


def find_workdir_file(start: str | None = None) -> str | None:
    """`.gs/config` of the innermost working directory around `start` (default: here), if there is one."""
    folder = os.path.abspath(start or os.getcwd())
    while True:
        if os.path.isdir(os.path.join(folder, ".gs")):
            path = workdir_file(folder)
            return path if os.path.isfile(path) else None
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def lookup(key: str) -> tuple[str | None, str]:
    """The value of `key` and where it comes from (`environment`, `working directory`, `user`, `default`)."""
    if value := os.environ.get(ENVIRONMENT[key]):
        return value, "environment"
    nearest = find_workdir_file() if key in LOCAL_KEYS else None
    if nearest and (value := read(nearest).get(key)):
        return value, "working directory"
    if value := read(user_file()).get(key):
        return value, "user"
    return (DEFAULT_ENDPOINT if key == "endpoint" else None), "default"


def get(key: str) -> str | None:
    return lookup(key)[0]


def endpoint() -> str:
    """The server's address without a trailing slash."""
    return normalize_endpoint(get("endpoint") or DEFAULT_ENDPOINT)


def normalize_endpoint(text: str) -> str:
    """`text` as scheme and host, without a trailing slash or `/api/v1`. Raises GsError `usage` for anything else."""
    value = text.strip().rstrip("/").removesuffix("/api/v1").rstrip("/")
    scheme, _, host = value.partition("://")
    port = host.rpartition("]")[2].partition(":")[2]  # an IPv6 address stands in brackets
    if (
        scheme not in ("http", "https")
        or not host
        or set("/@?# ").intersection(host)
        or not (port or "0").isdecimal()
    ):
        raise GsError(
            "usage",
            f"{text!r} is not the address of a server",
            "write it as https://host or http://host:port",
        )
    return value


def token(for_endpoint: str) -> str | None:
    """The API token for a server: `GITSLICE_AUTH_TOKEN`, else what `gs auth login` kept."""
    return os.environ.get("GITSLICE_AUTH_TOKEN") or kept_token(for_endpoint)


def kept_token(for_endpoint: str) -> str | None:
    """What `gs auth login` kept for a server."""
    return read(credentials_file()).get(for_endpoint, {}).get("token")


def save_token(for_endpoint: str, value: str, user: str) -> None:
    data = read(credentials_file())
    data[for_endpoint] = {"token": value, "user": user}
    write(credentials_file(), data, mode=0o600)


def forget_token(for_endpoint: str) -> bool:
    """Drop the kept token; False if there was none."""
    data = read(credentials_file())
    if data.pop(for_endpoint, None) is None:
        return False
    write(credentials_file(), data, mode=0o600)
    return True


def set_value(path: str, key: str, value: str | None) -> None:
    """Write (or with None remove) one key of a configuration file, keeping the others."""
    data = read(path)
    if value is None:
        data.pop(key, None)
    else:
        data[key] = value
    write(path, data)


def read(path: str) -> dict:
    """A TOML file as a dict; a missing file is empty. Raises GsError `failed` when it cannot be understood."""
    try:
        with open(path, "rb") as file:
            content = file.read()
    except FileNotFoundError:
        return {}
    import tomllib

    try:
        return tomllib.loads(content.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise GsError("failed", f"{path} is not valid TOML: {error}", f"mend or remove {path}") from error


def write(path: str, data: dict, mode: int = 0o644) -> None:
    """Write strings and one level of tables as TOML, in one step (temporary file, then rename)."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    temporary = f"{path}.{os.getpid()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(format_toml(data))
    os.replace(temporary, path)


def format_toml(data: dict) -> str:
    """TOML of a dict whose values are strings, booleans, integers or dicts of these."""
    import json

    def pair(key: str, value: object) -> str:
        return f"{json.dumps(key)} = {json.dumps(value)}\n"

    lines = [pair(key, value) for key, value in data.items() if not isinstance(value, dict)]
    for name, inner in data.items():
        if isinstance(inner, dict):
            lines.append(f"\n[{json.dumps(name)}]\n")
            lines.extend(pair(key, value) for key, value in inner.items())
    return "".join(lines)
