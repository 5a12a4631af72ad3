"""Which format the objects of a store have: one small object beside them says it (docs/objects.md)."""

from __future__ import annotations

import logging
import re

from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

from gitslice.common.errors import ServerBusy
from gitslice.objects.store import MARKER, ObjectMissing, ObjectStore, object_store

log = logging.getLogger(__name__)

FORMAT = 1
LENGTH = 32  # bytes, whatever the format
TEXT = re.compile(rb"GitSlice objects, format (\d+) *\n")
AWAY = (ServerBusy, Boto3Error, BotoCoreError, ClientError, OSError)


class UnknownFormat(Exception):
    """Another version wrote these objects, or it is another program's folder; the text says what to do."""


def ensure_format() -> None:
    """Raises UnknownFormat. A store without a mark gets ours: it is new, or older than marks. A store that does not
    answer is passed over."""
    store = object_store()
    try:
        if store.exists(MARKER):
            _require_ours(_read(store))
        else:
            _write(store)
    except AWAY as error:
        log.warning("the format of the objects is not checked: %s", error)


def _require_ours(content: bytes) -> None:
    found = TEXT.fullmatch(content)
    if found and int(found[1]) == FORMAT:
        return
    written = f"format {int(found[1])}" if found else f"a format that {MARKER} does not name"
    raise UnknownFormat(
        f"the object store has {written}, and this code knows format {FORMAT}: start the version that wrote it or a "
        "newer one, or set OBJECT_STORE_URL to the right place"
    )


def _read(store: ObjectStore) -> bytes:
    try:
        return b"".join(store.read_ranges(MARKER, [(0, LENGTH)]))
    except ObjectMissing:
        return b""


def _write(store: ObjectStore) -> None:
    with store.spool() as spooled:
        spooled.write(f"GitSlice objects, format {FORMAT}".ljust(LENGTH - 1).encode() + b"\n")
        store.put_pack(MARKER, spooled)
