"""Actions that race, with real threads and a database connection each."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection

from gitslice.common.errors import DomainError


def at_once(*actions: Callable[[], Any]) -> list[Any]:
    """Run the actions in threads that start together; gives results, or the DomainError that one raised."""
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        try:
            barrier.wait()
            return action()
        except DomainError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))
