"""Samples of a running process, taken by itself when asked to: no other process needs the right to look into it, which
containers and hardened kernels do not give.

`manage.py profile` leaves a wish in a file and sends SIGPROF; the process's handler starts a thread that looks at the
stacks of all others many times a second, and writes what it saw as a speedscope file (https://www.speedscope.app).
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
RATE = 100  # looks a second
LONGEST = 60.0  # seconds
DEEPEST = 200  # frames of a stack, from the innermost

Frame = tuple[str, str, int]  # function, file, its first line
Stack = tuple[Frame, ...]

log = logging.getLogger(__name__)


def listen() -> None:
    """Take wishes from now on. Web servers and workers call it in their main thread, before they fork."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGPROF, _asked)


def listens(pid: int) -> bool:
    """Whether the process is ours and would understand the signal, which ends others. Known where there is /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    if b"gitslice" not in command or "SigCgt:" not in status:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal.SIGPROF - 1) & 1)


def folder() -> Path:
    return settings.GITSLICE_HOME / "profiles"


def ask(pid: int, seconds: float) -> dict[str, Any]:
    """The samples of that process, as a speedscope document. Raises ProcessLookupError where none such listens, and
    TimeoutError."""
    if not listens(pid):
        raise ProcessLookupError(f"{pid} is no web server or worker of GitSlice, or not one of yours")
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    wish, answer = folder() / f"{pid}.wish", folder() / f"{pid}.json"
    answer.unlink(missing_ok=True)
    wish.write_text(json.dumps({"seconds": min(seconds, LONGEST)}))
    try:
        os.kill(pid, signal.SIGPROF)
        deadline = time.monotonic() + min(seconds, LONGEST) + 30
        while not answer.exists():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{pid} did not answer")
            time.sleep(0.05)
        return json.loads(answer.read_bytes())
    finally:
        wish.unlink(missing_ok=True)
        answer.unlink(missing_ok=True)


def _asked(number: int, frame: FrameType | None) -> None:
    threading.Thread(target=_answer, name="profile", daemon=True).start()


def _answer() -> None:
    pid = os.getpid()
    with suppress(OSError, ValueError):  # a signal without a wish
        seconds = float(json.loads((folder() / f"{pid}.wish").read_bytes())["seconds"])
        document = speedscope(sample(min(seconds, LONGEST)), f"GitSlice {settings.GITSLICE_ROLE} {pid}")
        beside = folder() / f"{pid}.{threading.get_ident()}"
        beside.write_text(json.dumps(document))
        beside.rename(folder() / f"{pid}.json")


def sample(seconds: float, rate: int = RATE) -> Counter[Stack]:
    """How often each stack of the other threads was seen, outermost frame first."""
    seen: Counter[Stack] = Counter()
    own, until = threading.get_ident(), time.monotonic() + seconds
    while time.monotonic() < until:
        for thread, frame in sys._current_frames().items():
            if thread != own:
                seen[_stack(frame)] += 1
        time.sleep(1 / rate)
    return seen


def _stack(frame: FrameType | None) -> Stack:
    frames: list[Frame] = []
    while frame is not None and len(frames) < DEEPEST:
        code = frame.f_code
        frames.append(
            (
                code.co_qualname if sys.version_info >= (3, 11) else code.co_name,
                code.co_filename,
                code.co_firstlineno,
            )
        )
        frame = frame.f_back
    return tuple(reversed(frames))


def speedscope(seen: Counter[Stack], name: str) -> dict[str, Any]:
    numbers: dict[Frame, int] = {}
    stacks = [[numbers.setdefault(frame, len(numbers)) for frame in stack] for stack in seen]
    weights = list(seen.values())
    frames = [{"name": name, "file": file, "line": line} for name, file, line in numbers]
    profile = {"type": "sampled", "name": name, "unit": "none", "startValue": 0, "endValue": sum(weights)}
    return {
        "$schema": SCHEMA,
        "name": name,
        "exporter": "gitslice",
        "shared": {"frames": frames},
        "profiles": [profile | {"samples": stacks, "weights": weights}],
    }
