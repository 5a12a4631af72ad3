"""What follows a landing: the texts that are searched. A broker that is away loses nothing: the sweep finds it."""

from __future__ import annotations

import logging
from typing import Any

from kombu.exceptions import OperationalError

from changesets.signals import paths_landed
from slices.tasks import index_paths

log = logging.getLogger(__name__)

MAX_QUEUED_PATHS = 5_000


def connect() -> None:
    paths_landed.connect(on_paths_landed, dispatch_uid="changesets.search")


def on_paths_landed(*, organization_id: int, paths: list[str], **_: Any) -> None:
    for start in range(0, len(paths), MAX_QUEUED_PATHS):
        try:
            index_paths.apply_async((organization_id, paths[start : start + MAX_QUEUED_PATHS]), retry=False)
        except OperationalError as error:
            log.warning("texts to search were not queued, the sweep will catch up: %s", error)
            return
