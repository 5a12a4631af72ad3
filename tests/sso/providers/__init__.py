"""Identity providers as processes of their own, in Node: the libraries of the same names, with people made up."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests import tools
from tests.processes import REPOSITORY, free_port, wait_for

HERE = Path(__file__).resolve().parent
MODULES = REPOSITORY / "build/providers"


def ensure_installed() -> None:
    """Install them once."""
    tools.ensure_installed("identity providers", _is_current, HERE / "install")


def _is_current() -> bool:
    name = "package-lock.json"
    if not shutil.which("node"):
        return False
    installed = (MODULES / "node_modules/.package-lock.json").exists() and (MODULES / name).exists()
    return installed and (MODULES / name).read_bytes() == (HERE / name).read_bytes()


class Provider:
    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def tell(self, said: dict[str, Any]) -> None:
        """What it says of people from now on."""
        requests.post(f"{self.url}/people", json=said, timeout=10).raise_for_status()


@contextmanager
def running(script: str, port: int, ready: str, **environment: str) -> Iterator[Provider]:
    variables = os.environ | environment | {"MODULES": str(MODULES), "PORT": str(port)}
    process = subprocess.Popen(
        ["node", str(HERE / script)], env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    provider = Provider(port)
    try:
        wait_for(f"{provider.url}/{ready}", process)
        yield provider
    finally:
        process.kill()
        process.communicate()


__all__ = ["Provider", "ensure_installed", "free_port", "running"]
