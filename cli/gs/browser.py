"""Opening pages of the server."""

from __future__ import annotations

import os
import sys

from gs.output import emit, info, say, wants_json


def open_page(url: str, *, only_print: bool) -> None:
    """Open a page in the browser, or print its address (also with --json, and where no browser starts)."""
    opened = False
    if not (only_print or wants_json()):
        import webbrowser

        opened = webbrowser.open(url)
    emit({"url": url, "opened": opened}, lambda data: info(f"Opened {url}") if opened else say(url))


def open_quietly(url: str) -> bool:
    """Open a page of the web if a browser can start here; one that would take over the terminal does not count."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    has_screen = sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in screens)
    if not has_screen or not url.startswith(("http://", "https://")):
        return False
    import webbrowser

    return webbrowser.open(url)
