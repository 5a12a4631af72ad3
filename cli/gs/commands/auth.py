"""`gs auth`: sign in with an API token, see who one is, forget the token, print it."""

from __future__ import annotations

import os
import sys

from gs import config
from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.output import emit, say, warn
from gs.style import fields, next_step, style

HOW = (
    "make a token on your profile page, with `gs token create` where you are signed in, or on the server with "
    "`manage.py bootstrap --token`; then: gs auth login --token -  (reads it from stdin)"
)


@command()
@click.option("--endpoint", metavar="URL", help="Server to sign in to; becomes the default server.")
@click.option(
    "--token",
    metavar="TOKEN",
    help="API token; - reads it from stdin, which keeps it out of the process list.",
)
def login(ctx: Context, endpoint: str | None, token: str | None) -> None:
    """Sign in with an API token, and keep it for this server."""
    from gs.http import Api

    address = config.normalize_endpoint(endpoint) if endpoint else config.endpoint()
    if not token:
        raise GsError("usage", "signing in needs an API token", HOW)
    secret = read_token() if token == "-" else token.strip()
    me = Api(address, secret).get("me/")
    config.save_token(address, secret, me["user"])
    if endpoint:
        config.set_value(config.user_file(), "endpoint", address)
    if os.environ.get("GITSLICE_AUTH_TOKEN"):
        warn("GITSLICE_AUTH_TOKEN is set and stays stronger than the token kept now.")
    emit({"user": me["user"], "endpoint": address, "orgs": names(me)}, show_login)


@command()
def status(ctx: Context) -> None:
    """Say who you are, and where."""
    from gs.http import Api

    address = config.endpoint()
    secret = config.token(address)
    data: dict = {"signed_in": False, "user": None, "endpoint": address, "orgs": []}
    if secret:
        try:
            me = Api(address, secret).get("me/")
        except GsError as error:
            if error.code != "unauthenticated":
                raise
            data["reason"] = error.message
        else:
            data.update(
                signed_in=True,
                user=me["user"],
                orgs=names(me),
                roles=me["organizations"],
                token=me.get("token"),
                server=me.get("server"),
            )
    emit(data, show_status)


@command()
def logout(ctx: Context) -> None:
    """Forget the token kept for this server."""
    address = config.endpoint()
    forgotten = config.forget_token(address)
    if os.environ.get("GITSLICE_AUTH_TOKEN"):
        warn("GITSLICE_AUTH_TOKEN is set; commands go on using it.")
    data = {"signed_in": bool(config.token(address)), "endpoint": address, "forgotten": forgotten}
    emit(
        data,
        lambda _: say(f"Signed out of {address}." if forgotten else f"You were not signed in to {address}."),
    )


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
        raise GsError("usage", "no token was given on stdin", HOW)
    return value


def names(me: dict) -> list[str]:
    return [item["organization"] for item in me["organizations"]]


def show_login(data: dict) -> None:
    say(f"Signed in to {data['endpoint']} as {style(data['user'], 'bold')}.")
    if data["orgs"]:
        next_step("gs slice list")


def show_status(data: dict) -> None:
    if not data["signed_in"]:
        say(f"Not signed in to {data['endpoint']}." + (f" {data['reason']}" if data.get("reason") else ""))
        next_step("gs auth login --token -")
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
            ("expires", used.get("expires_at")),
        ]
    )
