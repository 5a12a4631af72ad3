"""The web server, the same under `make run` and in containers. See the settings table in README.md."""

import os
from pathlib import Path

bind = f"{os.environ.get('GITSLICE_BIND', '127.0.0.1')}:{os.environ.get('GITSLICE_PORT', '8000')}"
workers = int(os.environ.get("GITSLICE_WEB_WORKERS", "2"))
threads = int(os.environ.get("GITSLICE_WEB_THREADS", "8"))
worker_class = "gthread"
preload_app = True  # load once, then fork: half the start-up time and memory
keepalive = 75  # seconds; `gs` keeps its connection through a command
timeout = 120  # seconds without a sign of life from a worker; long requests in its threads are no matter
graceful_timeout = 20  # seconds that running requests get when we stop
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
control_socket_disable = True
loglevel = "warning"
