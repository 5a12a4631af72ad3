"""Between a directory and the server: manifests and blobs in, packs out."""

from __future__ import annotations

import os

from gs.errors import GsError
from gs.workdir.index import Row

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from typing import Any

    from gs.cache import Cache, Place
    from gs.forwarding import Forward
    from gs.http import Api, Response
    from gs.progress import Progress

PACK_TYPE = "application/x-gitslice-pack"
PACK_BYTES = 32 << 20  # content that one uploaded pack holds, unless a single file is larger
PACK_FILES = 50_000  # that one pack holds; servers take 100,000 unless told otherwise
PACKERS = 2  # packs that are made at once, while another is on its way
SMALL_PACK_BYTES = 256 << 10  # below this no dictionary pays
NONE = "none"


class Manifest:
    """Path -> row of a slice at a commit. With `since` only what changed: a row of None is gone."""

    __slots__ = ("commit", "definition", "rows", "since")

    def __init__(self, commit: str | None, definition: str, since: str | None, rows: dict[str, Row | None]):
        self.commit = commit
        self.definition = definition
        self.since = since
        self.rows = rows

    def entries(self) -> dict[str, Row]:
        """The rows that stand."""
        return {path: row for path, row in self.rows.items() if row is not None}


def manifest(
    api: Api, address: str, commit: str | None = None, since: str | None = None, definition: str | None = None
) -> Manifest:
    """The manifest of the slice at `address` (`slices/org/name/`); with `since`, and the definition that the slice had
    then, only what changed if the server can tell."""
    from gs.http import encode_query

    query = encode_query({"commit": commit, "since": since, "definition": definition if since else None})
    with api.stream("GET", f"{address}manifest/{query}") as response:
        data = read_all(response)
        headers = response.headers
    return _manifest_of(headers, data)


def cached_manifest(api: Api, cache: Cache, address: str, commit: str | None = None) -> Manifest:
    """The whole manifest. What the cache holds of it is used if the server says that it still holds."""
    from gs.http import NOT_MODIFIED, encode_query

    name = f"{api.endpoint} {address} {commit or 'HEAD'}"
    etag, known = cache.manifest(name)
    asked = {"If-None-Match": etag} if etag else {}
    with api.stream(
        "GET", f"{address}manifest/{encode_query({'commit': commit})}", headers=asked
    ) as response:
        headers = response.headers
        data = known if response.status == NOT_MODIFIED else read_all(response)
    told = headers.get("ETag")
    if told and data is not known:
        cache.keep_manifest(name, told, data)
    return _manifest_of(headers, data)


def _manifest_of(headers: Any, data: bytes) -> Manifest:
    told = headers["X-GitSlice-Commit"]
    return Manifest(
        None if told == NONE else told,
        headers.get("X-GitSlice-Definition", ""),
        headers.get("X-GitSlice-Since"),
        parse_manifest(data),
    )


def parse_manifest(data: bytes) -> dict[str, Row | None]:
    """The rows of a manifest. Raises GsError `network` for what is none."""
    rows: dict[str, Row | None] = {}
    unhex = bytes.fromhex
    try:
        for line in data.decode().split("\n")[:-1]:
            mode, digest, size, path = line.split(" ", 3)
            rows[path] = None if mode == "D" else Row(mode, unhex(digest), int(size))
    except ValueError:
        raise GsError("network", "the server sent a manifest that cannot be read", "try again") from None
    return rows


def read_all(response: Response) -> bytes:
    parts = []
    while part := response.read(1 << 20):
        parts.append(part)
    return b"".join(parts)


def fetch(
    api: Api,
    cache: Cache,
    address: str,
    commit: str,
    rows: dict[str, Row],
    everything: bool = False,
    cached: dict[bytes, Place] | None = None,
    forward: Forward | None = None,
) -> Iterator[tuple[bytes, bytes | Iterator[bytes]]]:
    """(digest, content) of all blobs that `rows` names: first those that are cached, then the others from the server.
    Content above a few MiB comes as an iterator of chunks, to be used up before the next. All verified.

    `everything` says that the rows are the whole slice at `commit`; `cached` what `cache.find` knows of their blobs.
    What `forward` takes of the blobs that the server sends is not given here, and is verified there.
    """
    from gitslice_core.packs import WHOLE_BYTES

    wanted = {row.digest: row.size for row in rows.values()}
    cached = cache.find(wanted) if cached is None else cached
    small = {digest: place for digest, place in cached.items() if place.size <= WHOLE_BYTES}
    done = set()
    for digest, content in cache.read(small):
        done.add(digest)
        yield digest, content
    for digest, place in cached.items():
        if digest not in small:
            done.add(digest)
            yield digest, _checked(cache.open(place), digest)
    missing = wanted.keys() - done
    if missing:
        body: dict = {"commit": commit}
        if everything and not done:
            body["all"] = True
        else:
            body["paths"] = _one_path_each(rows, missing)
        yield from _received(api, cache, address, body, missing, forward)


def _one_path_each(rows: dict[str, Row], digests: Collection[bytes]) -> list[str]:
    paths = {row.digest: path for path, row in rows.items() if row.digest in digests}
    return list(paths.values())


def _checked(chunks: Iterable[bytes], digest: bytes) -> Iterator[bytes]:
    from hashlib import sha256

    hashed = sha256()
    for chunk in chunks:
        hashed.update(chunk)
        yield chunk
    if hashed.digest() != digest:
        raise GsError("failed", "the object cache is damaged", "gs cache verify")


def _received(
    api: Api,
    cache: Cache,
    address: str,
    body: dict,
    missing: Collection[bytes],
    forward: Forward | None = None,
) -> Iterator[tuple[bytes, bytes | Iterator[bytes]]]:
    from gitslice_core.packs import WHOLE_BYTES, PackError, PackReader

    left = set(missing)
    incoming = cache.writer()
    try:
        with api.stream("POST", f"{address}objects/", body, repeatable=True) as response:
            reader = PackReader(_Tee(response, incoming))
            for blob in reader:
                wanted = blob.digest in left
                left.discard(blob.digest)
                if wanted and forward is not None and blob.size <= WHOLE_BYTES and forward.ready():
                    forward.send(blob, reader.frame(blob), reader.dictionary)
                else:
                    content = reader.content(blob) if blob.size <= WHOLE_BYTES else reader.chunks(blob)
                    if wanted:
                        yield blob.digest, content
                incoming.add(blob.digest, blob.offset, blob.length, blob.size, reader.dictionary_span)
        incoming.keep()
    except PackError as error:
        raise GsError("network", f"the server sent a damaged pack: {error}", "try again") from None
    finally:
        incoming.close()
    if left:
        raise GsError("failed", f"the server did not send {len(left)} of the files", "try again")


class _Tee:
    """A response that is read in big pieces and copied into the cache as it passes."""

    def __init__(self, response: Response, incoming: Any):
        self._response = response
        self._incoming = incoming
        self._buffer = b""
        self._at = 0

    def read(self, size: int) -> bytes:
        end = self._at + size
        if end <= len(self._buffer):
            data = self._buffer[self._at : end]
            self._at = end
            return data
        parts = [self._buffer[self._at :]]
        have = len(parts[0])
        self._buffer, self._at = b"", 0
        while have < size:
            part = self._response.read(1 << 18)
            if not part:
                return b"".join(parts)
            self._incoming.write(part)
            parts.append(part)
            have += len(part)
        data = b"".join(parts)
        self._buffer, self._at = data[size:], 0
        return data[:size]


def upload_files(api: Api, organization: str, files: list[Path]) -> list[Row]:
    """Upload files; gives the row of each, in order. A symlink's content is its target."""
    from gs.workdir.scan import row_of

    rows = []
    for file in files:
        folder, name = os.path.split(os.fspath(file))
        row = row_of(folder, name)
        if row is None:
            raise GsError("path_not_found", f"{file} is neither a file nor a symlink")
        rows.append(row)
    upload(api, organization, [(os.fspath(file), row) for file, row in zip(files, rows, strict=True)])
    return rows


def upload(
    api: Api,
    organization: str,
    files: list[tuple[str, Row]],
    progress: Progress | None = None,
) -> int:
    """Upload the contents of files whose rows are known, each content once; gives the bytes that were sent.

    Packs of about 32 MiB of content, two of them made while another is on its way. A file that changed since its row was
    made raises GsError `failed`.
    """
    seen: set[bytes] = set()
    unique = [(name, row) for name, row in files if not (row.digest in seen or seen.add(row.digest))]  # type: ignore[func-returns-value]
    batches = list(_batches(unique))
    if len(batches) <= 1:
        return sum(_send(api, organization, _pack(batch), progress, batch) for batch in batches)
    from concurrent.futures import ThreadPoolExecutor

    sent = 0
    waiting: list[tuple[Any, list[tuple[str, Row]]]] = []
    with ThreadPoolExecutor(PACKERS) as packers:
        for batch in batches:
            waiting.append((packers.submit(_pack, batch), batch))
            if len(waiting) > PACKERS:
                packed, first = waiting.pop(0)
                sent += _send(api, organization, packed.result(), progress, first)
        for packed, first in waiting:
            sent += _send(api, organization, packed.result(), progress, first)
    return sent


def _batches(files: list[tuple[str, Row]]) -> Iterator[list[tuple[str, Row]]]:
    """Files that go together: by extension, then path, for the sake of the dictionary."""
    batch: list[tuple[str, Row]] = []
    size = 0
    for name, row in sorted(files, key=lambda file: (os.path.splitext(file[0])[1], file[0])):
        if batch and (size + row.size > PACK_BYTES or len(batch) == PACK_FILES):
            yield batch
            batch, size = [], 0
        batch.append((name, row))
        size += row.size
    if batch:
        yield batch


def _pack(batch: list[tuple[str, Row]]) -> Any:
    """The pack of a batch, in memory or in a temporary file, at its start."""
    from gitslice_core.packs import WHOLE_BYTES, PackError, PackWriter, train

    total = sum(row.size for _, row in batch)
    small = [(name, row) for name, row in batch if row.size <= WHOLE_BYTES]
    contents = [_content(name, row) for name, row in small] if total <= 2 * PACK_BYTES else None
    dictionary = train(contents) if contents and total >= SMALL_PACK_BYTES else None
    file = _spool(total)
    writer = PackWriter(file, dictionary)
    for place, (name, row) in enumerate(small):
        content = contents[place] if contents is not None else _content(name, row)
        _expect(writer.add(content), row, name)
    for name, row in batch:
        if row.size > WHOLE_BYTES:
            with open(name, "rb") as source:
                try:
                    _expect(writer.add_stream(source, row.size), row, name)
                except PackError:
                    _expect(b"", row, name)
    writer.finish()
    file.seek(0)
    return file


def _spool(total: int) -> Any:
    """A file for the pack of that many bytes of content; whoever sends it closes it."""
    if total <= SMALL_PACK_BYTES:
        from io import BytesIO

        return BytesIO()
    from tempfile import SpooledTemporaryFile

    return SpooledTemporaryFile(max_size=4 << 20)


def _content(name: str, row: Row) -> bytes:
    if row.mode == "120000":
        return os.fsencode(os.readlink(name))
    with open(name, "rb") as file:
        return file.read()


def _expect(digest: bytes, row: Row, name: str) -> None:
    if digest != row.digest:
        raise GsError("failed", f"{name} changed while it was read", "try again")


def _send(
    api: Api, organization: str, packed: Any, progress: Progress | None, batch: list[tuple[str, Row]]
) -> int:
    from gs.http import quote

    with packed:
        packed.seek(0, os.SEEK_END)
        size = packed.tell()
        packed.seek(0)
        body = packed.read() if size <= 1 << 20 else packed
        api.post(f"uploads/{quote(organization)}/", body, PACK_TYPE)
    if progress is not None:
        progress.advance(files=len(batch), bytes=sum(row.size for _, row in batch))
    return size
