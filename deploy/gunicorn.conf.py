"""The web server, the same under `make run` and in containers. Its settings: docs/configuration.md."""

import os
import ssl
from pathlib import Path

from gitslice.configuration import read_or_stop

_given = read_or_stop()

bind = f"{_given['GITSLICE_BIND']}:{_given['GITSLICE_PORT']}"
workers = _given["GITSLICE_WEB_WORKERS"]
# Beside those that work: one for each request that waits, and some that turn away the rest and tell of our health
# (gitslice/common/admission.py).
threads = _given["GITSLICE_WEB_THREADS"] + _given["GITSLICE_WEB_WAITING"] + 8
worker_connections = 1000 + threads
worker_class = "gthread"
preload_app = True  # load once, then fork: half the start-up time and memory
keepalive = 75  # seconds; `gs` keeps its connection through a command
timeout = 120  # seconds without a sign of life from a worker; long requests in its threads are no matter
graceful_timeout = 20  # seconds that running requests get when we stop
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
loglevel = "warning"


def child_exit(server, worker):
    """What a process that ended had under way is no longer."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        from prometheus_client.multiprocess import (
            mark_process_dead,
        )  # it reads that when it is first imported

        mark_process_dead(worker.pid)


if _given["GITSLICE_TLS_CERT"]:
    certfile, keyfile = _given["GITSLICE_TLS_CERT"], _given["GITSLICE_TLS_KEY"]

    forwarded_allow_ips = ""  # nobody stands in front whose word about the protocol counts

    def ssl_context(config, default_ssl_context_factory):
        """TLS 1.2 and newer, whatever the system's OpenSSL would still take."""
        context = default_ssl_context_factory()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context
