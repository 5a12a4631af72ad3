"""`gs config`: settings of the user, or with --local of one working directory."""

from __future__ import annotations

from gs import config
from gs.cli import command
from gs.clicks import click
from gs.context import Context
from gs.errors import GsError
from gs.output import emit, say
from gs.style import table

KEY = click.argument("key", type=click.Choice(list(config.KEYS)))
LOCAL = click.option("--local", is_flag=True, help="In .gs/config of this working directory.")


@command()
def list_settings(ctx: Context) -> None:
    """Every setting, its value, and where the value comes from."""
    items = []
    for key, meaning in config.KEYS.items():
        value, origin = config.lookup(key)
        items.append({"key": key, "value": value, "origin": origin, "meaning": meaning})
    emit(
        {"items": items, "file": config.user_file(), "next_cursor": None},
        lambda data: table(
            ["key", "value", "from", "meaning"],
            [[item["key"], item["value"] or "-", item["origin"], item["meaning"]] for item in data["items"]],
        ),
    )


@command()
@KEY
def get(ctx: Context, key: str) -> int:
    """Print one setting; exit code 1 when it has no value."""
    value, origin = config.lookup(key)
    emit(
        {"key": key, "value": value, "origin": origin}, lambda data: say(value) if value is not None else None
    )
    return 0 if value is not None else 1


@command("set")
@KEY
@click.argument("value")
@LOCAL
def set_setting(ctx: Context, key: str, value: str, local: bool) -> None:
    """Write one setting."""
    if key == "endpoint":
        value = config.normalize_endpoint(value)
    path = target(ctx, key, local)
    config.set_value(path, key, value)
    emit({"key": key, "value": value, "file": path}, lambda data: say(f"{key} = {value}  ({path})"))


@command()
@KEY
@LOCAL
def unset(ctx: Context, key: str, local: bool) -> None:
    """Remove one setting."""
    path = target(ctx, key, local)
    if key not in config.read(path):
        raise GsError("failed", f"{key} is not set in {path}", "gs config list")
    config.set_value(path, key, None)
    emit({"key": key, "value": None, "file": path}, lambda data: say(f"{key} is no longer set in {path}."))


def target(ctx: Context, key: str, local: bool) -> str:
    """The file to change. Raises GsError `usage` for what a directory may not say."""
    if local and key not in config.LOCAL_KEYS:
        raise GsError("usage", f"{key} cannot be set for one directory", f"gs config set {key} VALUE")
    return config.workdir_file(ctx.require_binding().root) if local else config.user_file()
