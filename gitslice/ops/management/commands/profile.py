from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gitslice.common.audit import record
from gitslice.common.limits import Limit, TooManyRequests, spend
from gitslice.telemetry.profiles import LONGEST, ask, listens

MOST_AN_HOUR = 20


class Command(BaseCommand):
    help = (
        "Sample what a running web server or worker is doing; the file opens at https://www.speedscope.app."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--pid", type=int, help="of a process on this machine; without it they are listed"
        )
        parser.add_argument("--seconds", type=float, default=10, help=f"at most {LONGEST:.0f}")
        parser.add_argument("--output", type=Path, help="file to write; it must not exist")

    def handle(self, *, pid: int | None, seconds: float, output: Path | None, **options: Any) -> None:
        if pid is None:
            self._list()
            return
        if not 0 < seconds <= LONGEST:
            raise CommandError(f"--seconds must be more than 0 and at most {LONGEST:.0f}")
        output = output or Path(f"profile-{pid}.speedscope.json")
        try:
            spend([Limit("profile", "server", MOST_AN_HOUR, 3600)])
            record(
                organization=None,
                actor=None,
                action="server.profile",
                object=str(pid),
                detail={"seconds": seconds},
            )
            with output.open("x") as file:
                json.dump(ask(pid, seconds), file)
        except FileExistsError as error:
            raise CommandError(f"{output} exists already") from error
        except (TooManyRequests, OSError) as error:
            if not isinstance(error, TooManyRequests):
                output.unlink(missing_ok=True)
            raise CommandError(str(error)) from error
        self.stdout.write(f"{output}: open it at https://www.speedscope.app, which reads it in the browser")

    def _list(self) -> None:
        for path in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
            pid = int(path.name)
            if pid != os.getpid() and listens(pid):
                words = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                self.stdout.write(f"{pid}\t{words[:100]}")
