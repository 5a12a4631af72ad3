"""`make run`: the whole system in the foreground. Ctrl-C or SIGTERM stops all of it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from gitslice import configuration, env
from gitslice.configuration import Configuration, WrongSettings
from gitslice.ops.embedded import running
from gitslice.ops.places import EmbeddedServerError
from gitslice.ops.supervisor import ChildEnded, Stopped, Supervisor

REPOSITORY = Path(__file__).resolve().parent.parent.parent
BEAT = ("-m", "celery", "--quiet", "-A", "gitslice", "beat", "--loglevel", "WARNING")
WORKER = (
    "-m",
    "celery",
    "--quiet",
    "-A",
    "gitslice",
    "worker",
    "--loglevel",
    "WARNING",
    "--without-gossip",
    "--without-mingle",
)
# It waits for strangers' servers, so it has threads instead of processes.
WEBHOOKS = (
    *WORKER,
    "--hostname",
    "webhooks@%h",
    "--queues",
    "webhooks",
    "--pool",
    "threads",
    "--concurrency",
    "8",
)
WEB = ("-m", "gunicorn", "--config", str(REPOSITORY / "deploy" / "gunicorn.conf.py"), "gitslice.wsgi")


def main() -> int:
    """Exit status 0 after being asked to stop, 1 if a part failed."""
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    os.umask(0o077)  # the data folder holds source code
    os.chdir(REPOSITORY)
    given = configuration.read_or_stop()
    try:
        run(given, stopping)
    except Stopped:
        _say("GitSlice has stopped.")
        return 0
    except (ChildEnded, EmbeddedServerError, WrongSettings) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def run(given: Configuration, stopping: threading.Event) -> None:
    home = (REPOSITORY / given["GITSLICE_HOME"]).resolve()
    bind, port = given["GITSLICE_BIND"], given["GITSLICE_PORT"]
    _require_free(bind, port)
    shutil.rmtree(home / "metrics", ignore_errors=True)  # of processes that are gone
    os.environ |= {"GITSLICE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "gitslice.settings"}
    environment = {name: value for name, value in os.environ.items() if not configuration.is_strange(name)}
    _say(f"GitSlice starts; its data lies in {home}")
    needs = {name: not given.is_given(f"{name.upper()}_URL") for name in ("database", "redis")}
    with running(home, **needs) as servers, Supervisor(servers.processes, environment, stopping) as system:
        env.keep_port(home, port)
        env.complete(given, REPOSITORY)
        demo = ["--demo"] if given["GITSLICE_DEMO"] else []
        notes = system.run_to_end("the preparation", "manage.py", "prepare", *demo)
        system.start("the web server", "web", *WEB)
        workers = ("--queues", "celery", "--concurrency", str(given["GITSLICE_WORKERS"]))
        system.start("the worker", "worker", *WORKER, *workers)
        system.start("the worker for webhooks", "worker", *WEBHOOKS)
        system.start("the schedule", "beat", *BEAT, "--schedule", str(home / "schedule"))
        system.wait_until("the web server", lambda: _web_answers(given))
        system.wait_until("the worker", _workers_answer)
        _say(_welcome(given["GITSLICE_PUBLIC_URL"], home, notes))
        try:
            system.watch()
        finally:
            _say("stopping ...")


def _require_free(bind: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind.strip("[]"), port))
        except OSError as error:
            told = f"port {port} cannot be used ({error.strerror}); set GITSLICE_PORT to another"
            raise WrongSettings([told]) from None


def _web_answers(given: Configuration) -> bool:
    """Whether our own web server does; that its certificate is for another name than this machine's is no matter."""
    scheme = "https" if given["GITSLICE_TLS_CERT"] else "http"
    url = f"{scheme}://127.0.0.1:{given['GITSLICE_PORT']}/readyz"
    request = urllib.request.Request(url, headers={"Host": "localhost"})
    trusting = ssl._create_unverified_context() if scheme == "https" else None
    with contextlib.suppress(OSError), urllib.request.urlopen(request, timeout=10, context=trusting):
        return True
    return False


def _workers_answer() -> bool:
    from gitslice.celery import app  # it reads the settings, which need the servers' addresses

    return len(app.control.ping(timeout=0.5, limit=2) or []) == 2


def _welcome(url: str, home: Path, notes: str) -> str:
    programs = Path(sys.executable).parent
    token = f"< {home / 'demo_token'}" if notes else ""
    organization = (
        []
        if notes
        else [
            "",
            "Make an organization:",
            f"  echo PASSWORD | {programs}/python manage.py bootstrap --org acme --user you --password-stdin --token",
        ]
    )
    return "\n".join(
        [
            "",
            f"GitSlice is ready: {url}",
            *(["", notes.strip()] if notes else organization),
            "",
            "Try in another terminal:",
            f"  {programs}/gs auth login --endpoint {url} --token - {token}",
            f"  {programs}/gs slice list",
            f"  {programs}/gs init {'acme/orm orm' if notes else 'SLICE FOLDER'}",
            "",
            "Ctrl-C stops it.",
        ]
    )


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
