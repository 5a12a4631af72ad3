"""Pages as a browser without JavaScript asks for them."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client

from accounts.models import User


class Pages:
    """Asks for pages as one user (None: nobody)."""

    def __init__(self, user: User | None = None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)

    def get(self, path: str, /, **query: Any) -> str:
        """The HTML of a page that answers 200."""
        response = self.client.get(path, query)
        assert response.status_code == 200, (response.status_code, response.content[:500])
        return response.content.decode()

    def status(self, path: str, /, **query: Any) -> int:
        return self.client.get(path, query).status_code

    def post(self, path: str, /, **fields: Any) -> str:
        """Send a form; gives the page that it leads to."""
        response = self.client.post(path, fields, follow=True)
        assert response.status_code == 200, (response.status_code, response.content[:500])
        return response.content.decode()


def text_of(html: str) -> str:
    """What one reads: without tags, white space made one blank."""
    main = html.partition("<main")[2].partition("</main>")[0] or html
    return " ".join(re.sub(r"<[^>]*>", " ", main).split())


def title_of(html: str) -> str:
    return html.partition("<title>")[2].partition("</title>")[0]
