"""Where embedded servers keep their files and find their programs.

They run as `nobody` when we are root. `nobody` may not enter folders such as /root: then data and copies of the
programs lie below /var/lib/gitslice, and a link in the data folder tells where.
"""

from __future__ import annotations

import os
import secrets
import shutil
from importlib.util import find_spec
from pathlib import Path

from gitslice.ops.processes import UNPRIVILEGED

SYSTEM_FOLDER = Path("/var/lib/gitslice")


class EmbeddedServerError(Exception):
    """An embedded server is missing, or did not start."""


def reachable(path: Path) -> bool:
    """Whether the user that servers run as may pass through every folder on the way to `path`."""
    return os.geteuid() != 0 or all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def servers_folder(home: Path) -> Path:
    """The folder that holds the servers' data: `servers` in the data folder, or what that links to."""
    link = home / "servers"
    if not link.is_symlink():
        if link.is_dir() or reachable(link):
            link.mkdir(exist_ok=True)
            link.chmod(0o711)  # whatever the umask
        else:
            link.symlink_to(own_folder(SYSTEM_FOLDER / secrets.token_hex(8)))
    if not link.exists():
        raise EmbeddedServerError(
            f"{link} points to {link.readlink()}, which is gone; the database was there"
        )
    return link.resolve()


def own_folder(folder: Path) -> Path:
    """Make a folder that everyone may pass through, and its parents; gives it back."""
    for part in (*reversed(folder.parents), folder):
        if not part.exists():
            part.mkdir()
            part.chmod(0o711)
    return folder


def give(path: Path, mode: int) -> None:
    """Hand a file or folder to the user that servers run as."""
    path.chmod(mode)
    if os.geteuid() == 0:
        os.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def wheel(package: str, *also: str) -> Path:
    """The folder of an installed package. `also` names folders beside it that its programs load libraries from."""
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedServerError(
            f"the package {package} is missing; install it or set DATABASE_URL and REDIS_URL"
        )
    folder = Path(spec.submodule_search_locations[0])
    if reachable(folder / "program"):
        return folder
    version = spec.origin and Path(spec.origin).stat().st_mtime_ns
    copies = SYSTEM_FOLDER / "programs" / f"{package}-{version}"
    if not copies.exists():
        _copy([folder, *(folder.parent / name for name in also)], copies)
    return copies / package


def _copy(folders: list[Path], target: Path) -> None:
    """Copy folders into `target`, which appears whole or not at all."""
    own_folder(target.parent)
    unfinished = target.parent / secrets.token_hex(8)
    for folder in folders:
        if folder.exists():
            shutil.copytree(folder, unfinished / folder.name)
    for place, _, names in os.walk(unfinished):
        os.chmod(place, 0o755)
        for name in names:
            path = Path(place, name)
            path.chmod(path.stat().st_mode | 0o444)
    try:
        unfinished.rename(target)
    except OSError:  # another process was faster
        shutil.rmtree(unfinished)
