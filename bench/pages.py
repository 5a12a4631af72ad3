"""How long the server takes for the main pages: one after the other, signed in, by a kept connection; medians.

`python -m bench.pages URL USER PASSWORD ORG SLICE FILE FOLDER` measures a server that runs already; as a part of `make bench`
the demo organization and a slice of some 20,000 files are measured.
"""

from __future__ import annotations

import http.client
import http.cookies
import re
import statistics
import sys
import time
import urllib.parse
from collections.abc import Sequence

ROUNDS = 7
LIMIT = 0.150  # seconds


class Visitor:
    """A browser without pictures: one connection, cookies, a form to sign in."""

    def __init__(self, url: str, user: str, password: str) -> None:
        place = urllib.parse.urlsplit(url)
        self._connection = http.client.HTTPConnection(place.hostname or "localhost", place.port, timeout=60)
        self._cookies: dict[str, str] = {}
        _, page, _ = self.ask("GET", "/login/")
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        name = "login" if 'name="login"' in page else "username"
        form = {"csrfmiddlewaretoken": found.group(1) if found else "", name: user, "password": password}
        status, _, _ = self.ask("POST", "/login/", urllib.parse.urlencode(form))
        if status != 302:
            raise SystemExit(f"{user} cannot sign in: {status}")

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, str, float]:
        """Status, page, seconds."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        started = time.perf_counter()
        self._connection.request(method, path, body or None, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode(errors="replace")
        seconds = time.perf_counter() - started
        for line in answer.headers.get_all("Set-Cookie", ()):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return answer.status, text, seconds

    def median(self, path: str) -> float:
        """Median seconds of the page, which answers 200; the first time is not counted."""
        times = []
        for _ in range(ROUNDS + 1):
            status, _, seconds = self.ask("GET", path)
            if status != 200:
                raise SystemExit(f"{path} answers {status}")
            times.append(seconds)
        return statistics.median(times[1:])


def pages_of(org: str, slice: str, file: str, folder: str) -> list[str]:
    """The main pages of an organization, and those of a slice, a file and a folder in it."""
    search = f"/search/?org={org}&q="
    return [
        "/", "/slices/", f"/{org}/slices/", "/changesets/", "/conflicts/", f"/{org}/global/", f"/{org}/map/",
        *slice_pages(org, slice, file, folder),
        f"{search}import", f"{search}zzqqxx", f"{search}get_or_create",
    ]  # fmt: skip


def slice_pages(org: str, slice: str, file: str, folder: str) -> list[str]:
    at = f"/{org}/slices/{slice}"
    return [
        f"{at}/", f"{at}/tree/{folder}", f"{at}/tree/{file}", f"{at}/blame/{file}", f"{at}/history/", f"{at}/history/{file}",
        f"{at}/compare/HEAD...HEAD/", f"{at}/find/?q=init", f"{at}/covers/{file}", f"{at}/definition/", f"{at}/overlaps/",
    ]  # fmt: skip


def a_file_of(visitor: Visitor, org: str, slice: str) -> tuple[str, str]:
    """A file of the slice, and the folder that it is in."""
    _, page, _ = visitor.ask("GET", f"/{org}/slices/{slice}/find/?q=__init__.py")
    found = re.search(rf'href="/{org}/slices/{slice}/tree/([^"?]+)"', page)
    if found is None:
        raise SystemExit(f"{org}/{slice} has no file to look at")
    return found.group(1), found.group(1).rpartition("/")[0]


def measure(visitor: Visitor, paths: Sequence[str]) -> list[tuple[str, float]]:
    return [(path, visitor.median(path)) for path in paths]


def table(figures: Sequence[tuple[str, float]]) -> str:
    """Lines of text; what takes longer than 150 ms is marked."""
    width = max(len(path) for path, _ in figures)
    return "\n".join(
        f"{path:<{width}}  {seconds * 1000:6.0f} ms{'  slow' if seconds > LIMIT else ''}"
        for path, seconds in figures
    )


def main() -> None:
    url, user, password, *place = sys.argv[1:]
    print(table(measure(Visitor(url, user, password), pages_of(*place))))


if __name__ == "__main__":
    main()
