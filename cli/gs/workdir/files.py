"""Writes files into a directory, and nowhere else: never through a symlink, never outside, whatever a server sends."""

from __future__ import annotations

import os
from contextlib import suppress

from gitslice_core.paths import PathError, validate_path
from gs.errors import GsError

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

EXECUTABLE, SYMLINK = "100755", "120000"


def check_paths(root: str, paths: Collection[str]) -> None:
    """Raise GsError `failed` unless all paths are sound and can stand beside each other in `root`."""
    folders: set[str] = set()
    for path in paths:
        try:
            validate_path(path)
        except PathError as error:
            raise GsError(
                "failed", f"the server named the path {path!r}, which {error}; nothing was written"
            ) from None
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    both = folders.intersection(paths)
    if both:
        raise GsError("failed", f"{min(both)} would be both a file and a folder; nothing was written")
    if not _tells_case_apart(root):
        _check_case(paths)


def _tells_case_apart(root: str) -> bool:
    """Whether `a` and `A` are two files here."""
    folder = os.path.join(root, ".gs")
    return not (os.path.isdir(folder) and os.path.exists(os.path.join(root, ".GS")))


def _check_case(paths: Iterable[str]) -> None:
    seen: dict[str, str] = {}
    for path in paths:
        other = seen.setdefault(path.casefold(), path)
        if other != path:
            raise GsError(
                "failed",
                f"{other} and {path} differ only by case, which this file system cannot keep apart",
                "use a file system that can, or check out a part of the slice: gs init --path PATTERN",
            )


class Tree:
    """The files below one directory. Folders that were checked once are not checked again."""

    def __init__(self, root: str):
        self.root = root
        self._folders: set[str] = {""}

    def write(self, path: str, mode: str, content: bytes) -> os.stat_result:
        """Put a file or symlink at the path, in one step; gives its stat."""
        if mode == SYMLINK:
            return self._link(path, content)
        name = self._name(path)
        temporary = self._temporary()
        descriptor = os.open(
            temporary,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW,
            0o777 if mode == EXECUTABLE else 0o666,
        )
        return self._finish(descriptor, temporary, name, [content])

    def create(self, path: str, mode: str, content: bytes) -> os.stat_result:
        """As `write`, where nothing may stand yet: quicker, for filling a new directory."""
        if mode == SYMLINK:
            return self._link(path, content)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            descriptor = os.open(self._name(path), flags, 0o777 if mode == EXECUTABLE else 0o666)
        except FileExistsError:
            return self.write(path, mode, content)
        try:
            _write_all(descriptor, content)
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def write_chunks(self, path: str, mode: str, chunks: Iterable[bytes]) -> os.stat_result:
        """As `write`, for contents too big for memory. Nothing stands at the path if `chunks` raises."""
        name = self._name(path)
        temporary = self._temporary()
        descriptor = os.open(
            temporary,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW,
            0o777 if mode == EXECUTABLE else 0o666,
        )
        return self._finish(descriptor, temporary, name, chunks)

    def copy(self, path: str, mode: str, source: str) -> os.stat_result:
        """As `write`, with the content of a file that stands in the tree."""
        with open(self._name(source), "rb") as file:
            return self.write_chunks(path, mode, iter(lambda: file.read(1 << 20), b""))

    def set_mode(self, path: str, mode: str) -> os.stat_result:
        name = self._name(path)
        now = os.lstat(name).st_mode & 0o777
        os.chmod(name, now | (now & 0o444) >> 2 if mode == EXECUTABLE else now & ~0o111)
        return os.lstat(name)

    def delete(self, path: str) -> None:
        """Remove a file, and the folders that are empty then."""
        if not self._stands_in_real_folders(path):
            return
        try:
            os.unlink(os.path.join(self.root, path))
        except (FileNotFoundError, NotADirectoryError):
            return
        folder = path.rpartition("/")[0]
        while folder:
            try:
                os.rmdir(os.path.join(self.root, folder))
            except OSError:
                return
            self._folders.discard(folder)
            folder = folder.rpartition("/")[0]

    def _finish(self, descriptor: int, temporary: str, name: str, chunks: Iterable[bytes]) -> os.stat_result:
        try:
            try:
                for chunk in chunks:
                    _write_all(descriptor, chunk)
                stat = os.fstat(descriptor)
            finally:
                os.close(descriptor)
            _make_room(name)
            os.rename(temporary, name)
        except BaseException:
            os.unlink(temporary)
            raise
        return stat

    def _link(self, path: str, target: bytes) -> os.stat_result:
        name = self._name(path)
        temporary = self._temporary()
        os.symlink(target, os.fsencode(temporary))
        _make_room(name)
        os.rename(temporary, name)
        return os.lstat(name)

    def _temporary(self) -> str:
        folder = os.path.join(self.root, ".gs")
        if not os.path.isdir(folder):
            folder = self.root
        return os.path.join(folder, f"new-{os.urandom(8).hex()}")

    def _name(self, path: str) -> str:
        """The absolute name, its folders made or checked to be real ones."""
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._enter(folder)
        return f"{self.root}/{path}"

    def _enter(self, folder: str) -> None:
        outer = folder.rpartition("/")[0]
        if outer not in self._folders:
            self._enter(outer)
        name = f"{self.root}/{folder}"
        with suppress(FileExistsError):
            os.mkdir(name)
        if not _is_real_folder(name):
            raise GsError(
                "failed", f"{folder} is no folder here, but files belong into it", "move it out of the way"
            )
        self._folders.add(folder)

    def _stands_in_real_folders(self, path: str) -> bool:
        parts = path.split("/")[:-1]
        return all(
            _is_real_folder(os.path.join(self.root, *parts[:depth])) for depth in range(1, len(parts) + 1)
        )


def _is_real_folder(name: str) -> bool:
    return os.path.isdir(name) and not os.path.islink(name)


def _write_all(descriptor: int, content: bytes) -> None:
    written = os.write(descriptor, content)
    while written < len(content):
        written += os.write(descriptor, memoryview(content)[written:])


def _make_room(name: str) -> None:
    """A file replaces an empty folder; one with files in it stays, and the rename fails."""
    if os.path.isdir(name) and not os.path.islink(name):
        try:
            os.rmdir(name)
        except OSError:
            raise GsError(
                "failed", f"{name} is a folder with files of yours", "move it out of the way"
            ) from None
