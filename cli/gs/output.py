"""What a command says: one document on stdout, everything else on stderr."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from gs.errors import GsError

_settings = {"json": False, "quiet": False}


def configure(*, json: bool, quiet: bool) -> None:
    """Set by the command decorator, once, before a command runs."""
    _settings.update(json=json, quiet=quiet)


def wants_json() -> bool:
    return _settings["json"]


def is_quiet() -> bool:
    return _settings["quiet"]


def emit(data: dict, render: Callable[[dict], object] | None = None) -> None:
    """The result of a command: `data` as one JSON document with `--json`, else what `render(data)` prints."""
    if _settings["json"]:
        print_document(data)
    elif render is not None:
        render(data)


def print_document(data: object) -> None:
    """One JSON document and a newline on stdout; indented only for eyes."""
    import json

    indent = 2 if sys.stdout.isatty() else None
    sys.stdout.write(json.dumps(data, indent=indent) + "\n")


def say(text: str = "") -> None:
    """A line of human output. With `--json` there is none, so call it from a render function."""
    sys.stdout.write(text + "\n")


def info(text: str) -> None:
    """A remark on stderr, left out with `--quiet`."""
    if not _settings["quiet"]:
        sys.stderr.write(text + "\n")


def warn(text: str) -> None:
    """A warning on stderr, also with `--quiet`."""
    sys.stderr.write(_mark("warning:", "33", sys.stderr) + " " + text + "\n")


def report_error(error: GsError) -> None:
    """`error: ...` and `hint: ...` on stderr; with `--json` the document on stdout instead."""
    from gs.style import clean

    if _settings["json"]:
        print_document(error.document())
        return
    sys.stderr.write(_mark("error:", "1;31", sys.stderr) + " " + clean(error.message) + "\n")
    if error.hint:
        sys.stderr.write(_mark("hint:", "36", sys.stderr) + " " + clean(error.hint) + "\n")


def colours(stream: TextIO | None = None) -> bool:
    """Whether `stream` (default stdout) takes ANSI colours: a terminal, and NO_COLOR is not set."""
    stream = stream or sys.stdout
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb" and stream.isatty()


def _mark(text: str, sgr: str, stream: TextIO) -> str:
    return f"\x1b[{sgr}m{text}\x1b[0m" if colours(stream) else text
