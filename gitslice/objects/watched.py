"""The object store, with all that is asked of it counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from gitslice.telemetry import tracing
from gitslice.telemetry.metrics import STORE_BYTES, STORE_REQUESTS, STORE_SECONDS

if TYPE_CHECKING:
    from gitslice.objects.store import ObjectStore


class WatchedStore:
    """Hands everything on to another store. Times are those of the store, without what readers do between chunks."""

    def __init__(self, inner: ObjectStore, missing: type[Exception]) -> None:
        self._inner = inner
        self._missing = missing

    def spool(self) -> BinaryIO:
        return self._inner.spool()

    def put_pack(self, name: str, spooled: BinaryIO) -> None:
        with self._watched("put") as call:
            self._inner.put_pack(name, spooled)
            call.bytes = spooled.seek(0, 2)

    def read_ranges(self, name: str, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        with self._watched("read") as call:
            chunks = iter(self._inner.read_ranges(name, ranges))
            while (chunk := next(chunks, None)) is not None:
                call.bytes += len(chunk)
                call.rest()
                yield chunk
                call.go_on()

    def exists(self, name: str) -> bool:
        with self._watched("exists"):
            return self._inner.exists(name)

    def delete(self, name: str) -> None:
        with self._watched("delete"):
            self._inner.delete(name)

    def list(self, prefix: str) -> Iterator[str]:
        with self._watched("list"):
            yield from self._inner.list(prefix)

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        with self._watched("list"):
            yield from self._inner.sizes(prefix)

    @contextmanager
    def _watched(self, operation: str) -> Iterator[_Call]:
        call, outcome = _Call(), "ok"
        try:
            yield call
        except self._missing:
            outcome = "missing"
            raise
        except GeneratorExit:  # the reader has read enough
            raise
        except Exception:
            outcome = "failed"
            raise
        finally:
            seconds = call.ended()
            STORE_REQUESTS.labels(operation, outcome).inc()
            STORE_SECONDS.labels(operation).observe(seconds)
            if call.bytes:
                STORE_BYTES.labels(operation).inc(call.bytes)
            attributes: dict[str, Any] = {
                "gitslice.store.bytes": call.bytes,
                "gitslice.store.outcome": outcome,
            }
            tracing.note(f"object store {operation}", seconds, **attributes)


class _Call:
    def __init__(self) -> None:
        self.bytes = 0
        self._spent = 0.0
        self._since = time.perf_counter()

    def rest(self) -> None:
        self._spent += time.perf_counter() - self._since
        self._since = 0.0

    def go_on(self) -> None:
        self._since = time.perf_counter()

    def ended(self) -> float:
        if self._since:
            self.rest()
        return self._spent
