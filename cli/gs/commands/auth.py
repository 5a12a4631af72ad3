"""`gs auth`: sign in by the browser or with an API token, see who one is, end the token, print it."""

from __future__ import annotations

import os
import sys

from gs import config
from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.output import emit, info, say, warn
from gs.style import fields, next_step, style
from gs.versions import warn_of

HOW = "gs auth login"
SCOPES = ("read", "write", "review", "admin")


@command()
@click.option("--endpoint", metavar="URL", help="Server to sign in to; becomes the default server.")
@click.option(
    "--token",
    metavar="TOKEN",
    help="API token; - reads it from stdin, which keeps it out of the process list.",
)
@click.option("--no-browser", is_flag=True, help="Only print where to go.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What the token may do; repeatable (default: all that you may).",
)
def login(
    ctx: Context, endpoint: str | None, token: str | None, no_browser: bool, scopes: tuple[str, ...]
) -> None:
    """Sign in by your browser, or with an API token, and keep the token for this server."""
    from gs.http import Api

    if token and scopes:
        raise GsError("usage", "--scope is for signing in by the browser: a token has its scopes already")
    address = config.normalize_endpoint(endpoint) if endpoint else config.endpoint()
    if token:
        secret = read_token() if token == "-" else token.strip()
    else:
        from gs.device import sign_in

        secret = sign_in(Api(address, None), scopes, browser=not no_browser)
    me = Api(address, secret).get("me/")
    config.save_token(address, secret, me["user"])
    if endpoint:
        config.set_value(config.user_file(), "endpoint", address)
    if os.environ.get("GITSLICE_AUTH_TOKEN"):
        warn("GITSLICE_AUTH_TOKEN is set and stays stronger than the token kept now.")
    emit({"user": me["user"], "endpoint": address, "orgs": names(me)}, show_login)


@command()
def status(ctx: Context) -> None:
    """Say who you are, where, and what your token may do."""
    from gs.http import Api

    address = config.endpoint()
    secret = config.token(address)
    data: dict = {"signed_in": False, "user": None, "endpoint": address, "orgs": []}
    if secret:
        me = Api(address, secret).get("me/")
        used = me.get("token") or {}
        data.update(
            signed_in=True,
            user=me["user"],
            orgs=names(me),
            roles=me["organizations"],
            scopes=used.get("scopes"),
            slices=used.get("slices"),
            expires_at=used.get("expires_at"),
            token=me.get("token"),
            server=me.get("server"),
        )
    emit(data, show_status)
    warn_of((data.get("server") or {}).get("version"))


@command()
def logout(ctx: Context) -> None:
    """End the token kept for this server, and forget it."""
    address = config.endpoint()
    kept = config.kept_token(address)
    revoked = revoke(address, kept) if kept else False
    forgotten = config.forget_token(address)
    if os.environ.get("GITSLICE_AUTH_TOKEN"):
        warn("GITSLICE_AUTH_TOKEN is set; commands go on using it.")
    data = {
        "signed_in": bool(config.token(address)),
        "endpoint": address,
        "forgotten": forgotten,
        "revoked": revoked,
    }
    emit(
        data,
        lambda _: say(f"Signed out of {address}." if forgotten else f"You were not signed in to {address}."),
    )


def revoke(address: str, secret: str) -> bool:
    """End a token at its server, if that can be reached; it is fine if the token has ended already."""
    from gs.http import Api

    try:
        Api(address, secret).delete("tokens/current/")
    except GsError as error:
        if error.code != "unauthenticated":
            warn(f"The token lives on at the server: {error.message}")
            info("Where you are signed in: gs token list, gs token revoke ID")
        return False
    return True


@command()
def token(ctx: Context) -> None:
    """Print the API token in use."""
    address = config.endpoint()
    secret = config.token(address)
    if not secret:
        raise GsError("unauthenticated", f"you are not signed in to {address}", HOW)
    emit({"token": secret, "endpoint": address}, lambda data: say(data["token"]))


def read_token() -> str:
    """The token from stdin: one line; typed unseen on a terminal."""
    if sys.stdin.isatty():
        from getpass import getpass

        value = getpass("API token: ", stream=sys.stderr)
    else:
        value = sys.stdin.readline()
    value = value.strip()
    if not value:
        raise GsError("usage", "no token was given on stdin", "gs auth login --token - < FILE")
    return value


def names(me: dict) -> list[str]:
    return [item["organization"] for item in me["organizations"]]


def show_login(data: dict) -> None:
    say(f"Signed in to {data['endpoint']} as {style(data['user'], 'bold')}.")
    if data["orgs"]:
        next_step("gs slice list")


def show_status(data: dict) -> None:
    if not data["signed_in"]:
        say(f"Not signed in to {data['endpoint']}.")
        next_step(HOW)
        return
    roles = ", ".join(f"{item['organization']} ({item['role']})" for item in data["roles"])
    used = data["token"] or {}
    fields(
        [
            ("user", style(data["user"], "bold")),
            ("server", data["endpoint"]),
            ("version", (data["server"] or {}).get("version")),
            ("organizations", roles or "none"),
            ("token", " ".join(part for part in (used.get("name"), used.get("hint")) if part) or None),
            ("scopes", " ".join(data["scopes"] or ()) or None),
            ("slices", " ".join(data["slices"]) or "none any more" if data["slices"] is not None else None),
            ("expires", used.get("expires_at")),
        ]
    )
