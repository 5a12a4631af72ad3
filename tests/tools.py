"""Programs that tests need and that pip does not bring: installed by scripts of ours, where root may."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.processes import REPOSITORY


def ensure_installed(name: str, is_there: Callable[[], bool], script: Path) -> None:
    """Run the script unless it is there. Skips the test where that cannot be, unless GITSLICE_TEST_TOOLS=required."""
    build = REPOSITORY / "build"
    build.mkdir(exist_ok=True)
    with (build / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_there():
            return
        done = subprocess.run([script], capture_output=True, text=True, check=False)
        if not done.returncode and is_there():
            return
    reason = f"{name} cannot be installed: {done.stderr.strip()[-300:]}"
    if os.environ.get("GITSLICE_TEST_TOOLS") == "required":
        pytest.fail(reason)
    pytest.skip(reason)
