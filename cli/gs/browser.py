"""Opening pages of the server."""

from __future__ import annotations

from gs.output import emit, info, say, wants_json


def open_page(url: str, *, only_print: bool) -> None:
    """Open a page in the browser, or print its address (also with --json, and where no browser starts)."""
    opened = False
    if not (only_print or wants_json()):
        import webbrowser

        opened = webbrowser.open(url)
    emit({"url": url, "opened": opened}, lambda data: info(f"Opened {url}") if opened else say(url))
