"""How a file is shown: as text, rendered, as a picture, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.safestring import SafeString

from gitslice.objects.services import read_blobs
from gitslice_core.diff import is_binary
from slices.entries import EXECUTABLE, SYMLINK, Entry
from slices.models import Slice

MAX_SHOWN_BYTES = 1 << 20
IMAGES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
    "bmp": "image/bmp",
    "svg": "image/svg+xml",
}
SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"  # the policy of raw contents: nothing in them runs
MARKDOWN = ("md", "markdown", "mdown", "mkd")
READMES = ("readme.md", "readme.markdown", "readme.txt", "readme.rst", "readme")


@dataclass(frozen=True)
class ShownFile:
    """`kind` is text, markdown, image, binary, large, empty or symlink; `html` of the first two."""

    kind: str
    entry: Entry
    html: SafeString | str = ""
    lines: int = 0
    language: str = ""

    @property
    def executable(self) -> bool:
        return self.entry.mode == EXECUTABLE


def shown_file(slice: Slice, path: str, entry: Entry, *, source: bool = False, commit: str = "") -> ShownFile:
    """The file as its page shows it; `source` shows Markdown and drawings as they are written."""
    kind = extension(path)
    if entry.mode == SYMLINK:
        return ShownFile("symlink", entry, content_of(slice, entry).decode(errors="replace"))
    if kind in IMAGES and not (source and kind == "svg"):
        return ShownFile("image", entry)
    if entry.size == 0:
        return ShownFile("empty", entry)
    if entry.size > MAX_SHOWN_BYTES:
        return ShownFile("large", entry)
    content = content_of(slice, entry)
    if is_binary(content):
        return ShownFile("binary", entry)
    text = content.decode(errors="replace")
    lines = text.removesuffix("\n").count("\n") + 1
    if kind in MARKDOWN and not source:
        return ShownFile("markdown", entry, markdown_of(slice, path, text, commit), lines, "Markdown")
    from slices.views import highlighting  # heavy, and only needed here

    return ShownFile(
        "text", entry, highlighting.code_html(path, entry.digest, text), lines, highlighting.language(path)
    )


def readme_of(
    slice: Slice, folder: str, children: dict[str, Any], commit: str
) -> tuple[str, ShownFile] | None:
    """The folder's README, if there is one to show: its path and how it is shown."""
    by_name = {name.lower(): (name, child) for name, child in children.items() if child.kind == "file"}
    for wanted in READMES:
        if wanted in by_name:
            name, child = by_name[wanted]
            path = f"{folder}/{name}" if folder else name
            entry = Entry(child.mode, child.digest, child.size)
            shown = shown_file(slice, path, entry, commit=commit)
            return (path, shown) if shown.kind in ("text", "markdown") else None
    return None


def markdown_of(slice: Slice, path: str, text: str, commit: str = "") -> SafeString:
    from slices.views.markup import markdown_html  # heavy, and only needed here

    names = (slice.organization.slug, slice.name)
    files, raw = (reverse(f"slices:{view}", args=[*names, "x"])[:-1] for view in ("tree", "raw"))
    query = f"?commit={commit}" if commit else ""
    return markdown_html(text, files=files, raw=raw, folder=path.rpartition("/")[0], query=query)


def content_of(slice: Slice, entry: Entry) -> bytes:
    return read_blobs(slice.organization_id, {entry.digest})[entry.digest]


def extension(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2].lower()
