"""`gs blame` against a real server."""

from __future__ import annotations

from people import TEXT, Gs

from slices.models import Slice
from tests.world import World


def test_blame_says_who_changed_each_line(owner: Gs, world: World, web: Slice) -> None:
    ann = world.writer(web, "ann")
    world.land(web, {"web/a.txt": TEXT.replace(b"line 9\n", b"nine\n")}, by=ann, title="Nine")
    data = owner.json("blame", "web/a.txt", "--slice", "acme/web")
    assert [line["number"] for line in data["lines"] if line["author"] == "ann"] == [10]
    shown = owner.text("blame", "web/a.txt", "--slice", "acme/web").splitlines()
    assert shown[9].split()[1] == "ann"
    assert shown[9].endswith(" 10  nine")
    first = owner.json("log", "acme/web")["items"][-1]["commit"]
    assert "ann" not in owner.text("blame", "web/a.txt", "--slice", "acme/web", "--commit", first)
    owner.run("init", "acme/web", "web")
    assert owner.at(owner.folder / "web/web").json("blame", "a.txt")["lines"] == data["lines"]
    assert owner.json("blame", "none", "--slice", "acme/web", code=1)["error"]["code"] == "path_not_found"
