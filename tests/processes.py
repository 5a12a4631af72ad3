"""Server processes that tests start, kill and look at from outside."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import IO

from django.conf import settings

REPOSITORY = Path(__file__).resolve().parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the process for {url} ended with {process.returncode}")
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer within {seconds} s")


def wait_until_open(port: int, process: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Until somebody listens at the port."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the process at port {port} ended with {process.returncode}"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError(f"nobody listened at port {port} within {seconds} s")


def server_environment() -> dict[str, str]:
    """What a process needs to work on this test's database, cache and objects."""
    base, _, rest = os.environ["DATABASE_URL"].rpartition("/")
    options = "".join(rest.partition("?")[1:])
    return {
        "DATABASE_URL": f"{base}/{settings.DATABASES['default']['NAME']}{options}",
        "REDIS_URL": settings.REDIS_URL,
        "OBJECT_STORE_URL": settings.OBJECT_STORE_URL,
    }


class WebServer:
    """The product's web process on a database of the tests; `kill` is `kill -9`."""

    def __init__(
        self,
        environment: dict[str, str],
        workers: int = 2,
        errors: IO[bytes] | None = None,
        configured: bool = False,
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.configured = configured  # by deploy/gunicorn.conf.py, as in production
        self.environment = os.environ | environment | {"GITSLICE_ROLE": "web"}
        self.environment |= {"DJANGO_SETTINGS_MODULE": "gitslice.settings", "GITSLICE_ALLOWED_HOSTS": "*"}
        self.workers = workers
        self.errors = errors  # where its log goes; else to ours
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "gitslice.wsgi", "--bind", f"127.0.0.1:{self.port}"]
        command += [
            "--workers",
            str(self.workers),
            "--worker-class",
            "gthread",
            "--threads",
            "8",
            "--no-control-socket",
        ]
        if self.configured:
            command = [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"]
            command += ["gitslice.wsgi"]
            self.environment["GITSLICE_PORT"] = str(self.port)
        self.process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=self.environment,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=self.errors,
        )
        if self.configured:
            wait_until_open(self.port, self.process)
        else:
            wait_for(f"{self.url}/livez", self.process)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
