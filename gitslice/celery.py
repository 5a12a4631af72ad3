import logging.config
import os
import warnings
from pathlib import Path
from typing import Any

from celery import Celery
from celery.platforms import SecurityWarning  # type: ignore[attr-defined]
from celery.signals import (
    beat_init,
    heartbeat_sent,
    setup_logging,
    worker_init,
    worker_process_init,
    worker_ready,
)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gitslice.settings")

# Who starts the whole system as root has decided so; tasks are JSON, never pickles.
warnings.filterwarnings("ignore", category=SecurityWarning)

app = Celery("gitslice")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _write_our_log(**_: Any) -> None:
    """Celery would replace it by one of its own."""
    from django.conf import settings  # they may not have been read yet

    logging.config.dictConfig(settings.LOGGING)


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


@worker_init.connect
@worker_process_init.connect
def _listen_for_wishes(**_: Any) -> None:
    """To be sampled; in each process, for the pool's set signals as they like."""
    from gitslice.telemetry.profiles import listen

    listen()


@worker_ready.connect
def _serve_metrics(**_: Any) -> None:
    from django.conf import settings

    if settings.GITSLICE_METRICS_PORT:
        from gitslice.telemetry.serving import serve

        serve(settings.GITSLICE_METRICS_PORT)
