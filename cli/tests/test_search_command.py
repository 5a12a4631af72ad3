"""`gs search` against a real server."""

from __future__ import annotations

from people import Gs

from slices.models import Slice
from slices.search.index import refresh
from tests.world import World


def test_search_finds_lines_and_paths(owner: Gs, world: World, web: Slice) -> None:
    world.land(web, {"web/deep/tax.py": b"def tax():\n    return 1\n", "web/deep/tax.md": b"Tax\n"})
    refresh(world.organization.pk)
    data = owner.json("search", "tax", "--slice", "acme/web", "--path", "*.py")
    assert [(item["path"], item["lines"][0]["number"]) for item in data["items"]] == [("web/deep/tax.py", 1)]
    shown = owner.text("search", "TAX", "--slice", "acme/web", "-C", "1").splitlines()
    assert shown == [
        "web/deep/tax.md",
        "    1: Tax",
        "web/deep/tax.py",
        "    1: def tax():",
        "    2-     return 1",
    ]
    assert "tax.md" not in owner.text("search", "tax", "--slice", "acme/web", "--lang", "python")
    assert owner.text("search", "--files", "deep md", "--slice", "acme/web").split() == ["web/deep/tax.md"]
    first = owner.json("search", "tax", "--slice", "acme/web", "--limit", "1")
    assert [item["path"] for item in first["items"]] == ["web/deep/tax.md"]
    rest = owner.json("search", "tax", "--slice", "acme/web", "--cursor", first["next_cursor"])
    assert [item["path"] for item in rest["items"]] == ["web/deep/tax.py"]


def test_what_cannot_be_searched_is_said(owner: Gs, web: Slice) -> None:
    assert owner.json("search", "x", "--slice", "acme/web", code=64)["error"]["code"] == "invalid_request"
    assert (
        owner.json("search", "hello", "--slice", "acme/none", code=10)["error"]["code"] == "slice_not_found"
    )
    assert "Nothing has that in it." in owner.text("search", "nowhere", "--slice", "acme/web")
