"""`gs cache`: the object cache that all directories share."""

from __future__ import annotations

from gs.cache import Cache
from gs.cli import command
from gs.context import Context
from gs.output import emit, say
from gs.style import plural, size


@command("stats")
def stats(ctx: Context) -> None:
    """How much is cached, and where."""
    cache = Cache()
    emit({"directory": cache.folder, **cache.stats()}, show_stats)


@command("clear")
def clear(ctx: Context) -> None:
    """Drop everything that is cached; nothing is lost but time."""
    packs, freed = Cache().clear()
    emit({"packs": packs, "bytes": freed}, lambda data: say(f"{size(data['bytes'])} freed."))


@command("verify")
def verify(ctx: Context) -> int:
    """Read everything that is cached, and drop what is damaged."""
    sound, damaged = Cache().verify()
    emit({"blobs": sound, "damaged": damaged}, show_verified)
    return 1 if damaged else 0


def show_stats(data: dict) -> None:
    say(
        f"{plural(data['blobs'], 'blob')} in {plural(data['packs'], 'pack')}, {size(data['bytes'])} in {data['directory']}"
    )
    say(f"limit {size(data['limit'])}")


def show_verified(data: dict) -> None:
    say(f"{plural(data['blobs'], 'blob')} are sound.")
    for name in data["damaged"]:
        say(f"the pack {name} was damaged and is dropped")
