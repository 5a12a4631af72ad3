"""The two sides: a GitSlice system as `make run` starts it, and git with `git daemon`; both on loopback."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class GitSlice:
    """A durable system in a folder of its own, with an organization and a signed-in person."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        clean = {name: value for name, value in os.environ.items() if not name.startswith("GITSLICE_")}
        self.environment = clean | {
            "GITSLICE_HOME": str(home),
            "GITSLICE_PORT": str(self.port),
            "GITSLICE_DEMO": "0",
            "GITSLICE_GLOBAL_MERGE_SECONDS": "86400",
        }
        self.log = open(home.with_suffix(".log"), "wb")  # noqa: SIM115 (as long as the system)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gitslice.ops.run"],
            cwd=REPOSITORY,
            env=self.environment,
            stdout=self.log,
            stderr=self.log,
        )
        self._wait()
        password = ["--org", "acme", "--user", "bench", "--password-stdin", "--token"]
        told = json.loads(self.manage("bootstrap", *password, stdin="bench-password-1\n"))
        self.token = told["token"]
        self.person = self.environment | {
            "GITSLICE_API_ENDPOINT": self.url,
            "GITSLICE_AUTH_TOKEN": self.token,
            "GITSLICE_ORGANIZATION": "acme",
            "GITSLICE_CONFIG_DIR": str(home.with_name("person")),
        }

    def _wait(self) -> None:
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5):
                    return
            except OSError:
                time.sleep(0.2)
        raise SystemExit("the system did not start")

    def manage(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "manage.py", *arguments]
        run = subprocess.run(
            command,
            cwd=REPOSITORY,
            env=self.environment,
            input=stdin,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return run.stdout

    def gs(self, *arguments: str, at: Path, **changes: str) -> Any:
        run = subprocess.run(
            [PROGRAMS / "gs", *arguments, "--json"],
            cwd=at,
            env=self.person | changes,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
        return json.loads(run.stdout)

    def clear_cache(self) -> None:
        cache = self.home.with_name("person") / "cache"
        if cache.exists():
            cache.rename(cache.with_name(f"cache-{time.monotonic_ns()}"))

    def web_processes(self) -> list[int]:
        out = subprocess.run(["pgrep", "-f", "gunicorn --config"], text=True, stdout=subprocess.PIPE).stdout
        return [int(line) for line in out.split()]

    def stop(self) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)


class Git:
    """The same tree in a bare repository behind `git daemon`."""

    IDENTITY = ("-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0")

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.bare = home / "tree.git"
        self.url = f"git://127.0.0.1:{self.port}/tree.git"

    def run(self, *arguments: str, at: Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *self.IDENTITY, *arguments], cwd=at, check=check, text=True, capture_output=True
        )

    def add_all(self, tree: Path, work: Path) -> float:
        """Seconds of `add`, `commit` and `repack` of the tree in a new repository at `work`.

        The loose objects stay linked elsewhere: ext4 does not use the inodes of files deleted in the last minutes
        again, and searches past each of them for every new file, which all that is measured afterwards would pay.
        """
        shutil.copytree(tree, work, symlinks=True)
        started = time.perf_counter()
        self.run("init", "-q", "-b", "main", at=work)
        self.run("add", "-A", at=work)
        self.run("commit", "-qm", "Import", at=work)
        added = time.perf_counter() - started
        shutil.copytree(work / ".git" / "objects", work.with_name("loose-objects"), copy_function=os.link)
        started = time.perf_counter()
        self.run("repack", "-adq", at=work)
        return added + time.perf_counter() - started

    def serve(self, work: Path) -> None:
        self.run("clone", "-q", "--bare", str(work), str(self.bare), at=self.home)
        for setting in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant", "daemon.receivepack"):
            self.run("config", setting, "true", at=self.bare)
        self.run("repack", "-adbq", at=self.bare)
        self.daemon = subprocess.Popen(
            ["git", "daemon", f"--base-path={self.home}", "--export-all", "--enable=receive-pack", "--reuseaddr",
             "--listen=127.0.0.1", f"--port={self.port}", str(self.home)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(0.5)

    def checkout(self, target: Path, folders: list[str]) -> None:
        """Git at its best: shallow, blobless, only the folders."""
        self.run(
            "clone",
            "-q",
            "--depth=1",
            "--filter=blob:none",
            "--sparse",
            "--no-checkout",
            self.url,
            str(target),
            at=self.home,
        )
        self.run("sparse-checkout", "set", "--cone", "--sparse-index", *folders, at=target)
        self.run("checkout", "-q", "main", at=target)

    def packed_bytes(self, work: Path) -> int:
        return sum(file.stat().st_size for file in (work / ".git" / "objects" / "pack").iterdir())

    def stop(self) -> None:
        self.daemon.terminate()
        self.daemon.wait()
        subprocess.run(["pkill", "-f", f"port={self.port}"], check=False)
