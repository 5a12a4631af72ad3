"""What `gs` says when a quota of the organization is used up."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from people import Gs

from accounts.quotas.services import set_limit
from gitslice.objects.models import Pack
from tests.world import World


@pytest.mark.parametrize(("limit", "shown"), [(1 << 20, "1.0 MB"), (0, "0 bytes")])
def test_a_refused_upload_ends_with_the_reason(
    owner: Gs, world: World, tmp_path: Path, limit: int, shown: str
) -> None:
    set_limit(actor=None, organization=world.organization, kind="bytes", limit=limit)
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "large").write_bytes(os.urandom(20 << 20))
    result = owner.run("import", "dir", str(folder), "--slice", "acme/root", code=4)
    first, hint = result.stderr.strip().splitlines()[-2:]
    assert first.startswith("error: the quota of stored bytes leaves no room for ")
    assert f"0 bytes of {shown} are used" in first
    assert hint == "hint: administrators of this server set the quotas of organizations"
    assert not Pack.objects.exists()


def test_a_slice_too_many_is_named_in_json(owner: Gs, world: World) -> None:
    set_limit(actor=None, organization=world.organization, kind="slices", limit=0)
    error = owner.json("slice", "create", "docs", "--files", "x/**", code=4)["error"]
    assert error["code"] == "quota_exceeded"
    assert error["details"] == {"quota": "slices", "used": 0, "limit": 0}
