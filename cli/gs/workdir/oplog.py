"""The local operation log, `.gs/operations`: one JSON line for everything that changed the directory."""

from __future__ import annotations

import json
import time

TYPE_CHECKING = False  # typing's own constant costs its import at every start
if TYPE_CHECKING:
    from gs.workdir.binding import Binding


def note(binding: Binding, operation: str, **facts: object) -> None:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = json.dumps({"time": now, "operation": operation, **facts})
    with open(binding.own("operations"), "a", encoding="utf-8") as file:
        file.write(line + "\n")
