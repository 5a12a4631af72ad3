"""Answers the notices of changesets by queueing detection. A broker that is away loses nothing: the sweep finds it."""

from __future__ import annotations

import logging
import time
from typing import Any

from kombu.exceptions import OperationalError

from changesets.signals import changeset_changed, paths_landed
from conflicts.open_edits import concerns_anyone, waiting_for_global_state
from conflicts.tasks import detect_conflicts, detect_for_paths, detect_in_slice
from slices.signals import definition_changed, global_merged

log = logging.getLogger(__name__)

MAX_QUEUED_PATHS = 5_000
MAX_ASKED_PATHS = 500  # more than that are looked up by a worker


def connect() -> None:
    changeset_changed.connect(on_changeset_changed, dispatch_uid="conflicts")
    paths_landed.connect(on_paths_landed, dispatch_uid="conflicts")
    definition_changed.connect(on_definition_changed, dispatch_uid="conflicts")
    global_merged.connect(on_global_merged, dispatch_uid="conflicts")


def on_changeset_changed(*, changeset_id: int, **_: Any) -> None:
    _queue(detect_conflicts, changeset_id, True, time.time())


def on_paths_landed(*, organization_id: int, changeset_id: int, paths: list[str], **_: Any) -> None:
    if len(paths) <= MAX_ASKED_PATHS and not concerns_anyone(organization_id, changeset_id, paths):
        return
    for start in range(0, len(paths), MAX_QUEUED_PATHS):
        _queue(
            detect_for_paths,
            organization_id,
            changeset_id,
            paths[start : start + MAX_QUEUED_PATHS],
            time.time(),
        )


def on_definition_changed(*, slice_id: int, **_: Any) -> None:
    _queue(detect_in_slice, slice_id)


def on_global_merged(*, organization_id: int, **_: Any) -> None:
    for changeset_id in waiting_for_global_state(organization_id):
        _queue(detect_conflicts, changeset_id, False)


def _queue(task: Any, *arguments: Any) -> None:
    try:
        task.apply_async(arguments, retry=False)
    except OperationalError as error:
        log.warning("detection was not queued, the sweep will catch up: %s", error)
