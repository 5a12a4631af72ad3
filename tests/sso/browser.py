"""A browser without JavaScript over real HTTP: follows redirects and pages that go on by themselves, submits forms, and
keeps its cookies from other sites' posts, as SameSite=Lax has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import requests

from tests.pages import text_of

MOST_STEPS = 20


@dataclass
class Form:
    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.refresh = ""
        self._open: Form | None = None

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "form":
            self._open = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._open)
        elif tag == "input" and self._open is not None and "name" in attributes:
            if attributes.get("type") not in ("checkbox", "radio") or "checked" in attributes:
                self._open.fields[attributes["name"]] = attributes.get("value", "")
        elif tag == "textarea" and self._open is not None and "name" in attributes:
            self._open.fields.setdefault(attributes["name"], "")
        elif tag == "meta" and attributes.get("http-equiv") == "refresh":
            self.refresh = attributes["content"].partition("url=")[2]

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


class Browser:
    def __init__(self, home: str) -> None:
        self.home = home
        self.session = requests.Session()
        self.visited: list[str] = []

    def get(self, path: str) -> Browser:
        return self._go("GET", urljoin(self.url if self.visited else self.home, path))

    def post(self, path: str, **fields: str) -> Browser:
        """A form that no page shows."""
        return self._go("POST", urljoin(self.url, path), data=fields)

    def submit(self, having: str, **fields: str) -> Browser:
        """Send the first form that has this field or goes to this address."""
        form = next(form for form in self.forms if having in form.fields or having in form.action)
        target = urljoin(self.url, form.action or self.url)
        data = form.fields | fields
        if form.method == "get":
            return self._go("GET", target, params=data)
        return self._go("POST", target, data=data)

    def _go(self, method: str, url: str, **arguments: object) -> Browser:
        headers = {"Referer": self.url} if self.visited else {}
        for _ in range(MOST_STEPS):
            foreign = method == "POST" and self.visited and _site(url) != _site(self.url)
            answer = self._send(method, url, foreign, headers=headers, **arguments)
            self.url, self.answer, arguments, method = url, answer, {}, "GET"
            self.visited.append(url)
            onward = answer.headers.get("Location") if answer.is_redirect else self._read()
            if not onward:
                return self
            url = urljoin(url, onward)
        raise AssertionError(f"going round in circles: {self.visited[-4:]}")

    def _send(self, method: str, url: str, foreign: bool, **arguments: object) -> requests.Response:
        if not foreign:
            return self.session.request(method, url, allow_redirects=False, timeout=30, **arguments)
        answer = requests.request(method, url, allow_redirects=False, timeout=30, **arguments)
        self.session.cookies.update(answer.cookies)
        return answer

    def _read(self) -> str:
        reader = _Reader()
        reader.feed(self.answer.text)
        self.forms = reader.forms
        return reader.refresh

    @property
    def status(self) -> int:
        return self.answer.status_code

    @property
    def text(self) -> str:
        return text_of(self.answer.text)

    @property
    def user(self) -> str:
        """Who is signed in, says a page of the product."""
        page = self.session.get(f"{self.home}/slices/", timeout=30).text
        return page.partition("Signed in as <strong>")[2].partition("<")[0]


def _site(url: str) -> str:
    return urlsplit(url).hostname or ""
