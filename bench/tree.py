"""The tree to measure with: sources from the package registry, named and pinned."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

PACKAGES = (
    "Django==5.2.19",
    "ansible==12.3.0",
    "sympy==1.14.0",
    "homeassistant==2024.3.3",
    "botocore==1.44.5",
)
SMALL = "django/django/db/models"


def fetch_tree(home: Path) -> Path:
    """The unpacked sources, a folder a package; downloaded once."""
    tree = home / "tree"
    if tree.exists():
        return tree
    wheels = home / "wheels"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    subprocess.run([*command, "--dest", str(wheels), *PACKAGES], check=True)
    unfinished = home / "tree.new"
    for wheel in sorted(wheels.glob("*.whl")):
        zipfile.ZipFile(wheel).extractall(unfinished / wheel.name.split("-")[0].lower())
    unfinished.rename(tree)
    return tree


def count(tree: Path) -> tuple[int, int]:
    """Files and bytes."""
    sizes = [
        os.lstat(os.path.join(folder, name)).st_size for folder, _, names in os.walk(tree) for name in names
    ]
    return len(sizes), sum(sizes)
