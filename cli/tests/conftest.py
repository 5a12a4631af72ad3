"""An organization, a server, and people who run `gs` against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from people import TEXT, Gs

from slices.models import Slice
from tests.processes import WebServer
from tests.world import World


@pytest.fixture
def world(transactional_db: None) -> World:
    return World()


@pytest.fixture
def owner(world: World, web_server: WebServer, tmp_path: Path) -> Iterator[Gs]:
    return Gs(web_server, tmp_path / "owner", world.token(world.owner))


@pytest.fixture
def web(world: World) -> Slice:
    slice = world.slice("web", "web/**", "shared/**")
    world.land(slice, {"web/a.txt": TEXT, "shared/s.txt": b"shared\n"}, title="First files")
    return slice
