import logging
import os
import warnings
from pathlib import Path
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from celery.signals import (
    after_setup_logger,
    after_setup_task_logger,
    beat_init,
    heartbeat_sent,
    worker_init,
)

from gitslice.common.logs import redact

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")

# Who starts the whole system as root has decided so; tasks are JSON, never pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("gitslice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@after_setup_logger.connect
@after_setup_task_logger.connect
def _hide_secrets(logger: logging.Logger, **_: Any) -> None:
    redact(logger.handlers)


@heartbeat_sent.connect
def _show_life(**_: Any) -> None:
    """For `deploy/probe worker`: every two seconds, while the broker can be reached."""
    if name := os.environ.get("WORKER_ALIVE_FILE"):
        Path(name).touch()


@worker_init.connect
@beat_init.connect
def _require_fitting(**_: Any) -> None:
    from gitslice.ops.fitting import stop_unless_fitting  # Django is ready by now

    stop_unless_fitting()
