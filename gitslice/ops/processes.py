"""Child processes: start them so that they never outlive us, and stop them."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

Process = subprocess.Popen[bytes]

UNPRIVILEGED = 65534  # nobody: PostgreSQL refuses to run as root, and Valkey has no need to
PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    environment: dict[str, str] | None = None,
    log: Path | None = None,
    output: int | None = None,
    unprivileged: bool = False,
    death_signal: int = signal.SIGTERM,
    held: Sequence[int] = (),
) -> Process:
    """Start a program in a session of its own, so that a Ctrl-C reaches only us, who then stop it in order.

    `log` receives all it writes, else our standard error does; its standard output alone can go to the file descriptor
    `output`. `held` are file descriptors it keeps open. When we die, even by
    `kill -9`, Linux sends it `death_signal`.
    """
    with open(log, "ab") if log else open(os.dup(2), "wb") as errors:
        return subprocess.Popen(
            command,
            env=environment,
            cwd="/" if unprivileged else None,
            stdin=subprocess.DEVNULL,
            stdout=errors if output is None else output,
            stderr=errors,
            start_new_session=True,
            pass_fds=held,
            preexec_fn=_dies_with_us(death_signal),
            **identity(unprivileged),  # type: ignore[call-overload]
        )


def identity(unprivileged: bool = True) -> dict[str, object]:
    """Arguments of `subprocess` that make a child `nobody` if we are root."""
    if not unprivileged or os.geteuid() != 0:
        return {}
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []}


def stop(process: Process, *, polite: int = signal.SIGTERM, seconds: float = 30) -> None:
    """End a process and wait for it; after `seconds` it is killed."""
    if process.poll() is not None:
        return
    process.send_signal(polite)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _dies_with_us(death_signal: int) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    return lambda: prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
