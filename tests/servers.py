"""Real servers for the tests: started once by the first process that needs them, used by all xdist workers."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from gitslice.ops.embedded import running


def ensure_servers() -> None:
    """Start PostgreSQL and Valkey in a temporary folder unless this run has them; they stop with this process."""
    if "GITSLICE_TEST_HOME" in os.environ:
        return
    home = Path(tempfile.mkdtemp(prefix="gitslice-test-"))
    home.chmod(0o755)  # PostgreSQL runs as an unprivileged user
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    stack = ExitStack()
    atexit.register(stack.close)
    servers = stack.enter_context(running(home, durable=False))
    os.environ |= {
        "GITSLICE_TEST_HOME": str(home),
        "GITSLICE_HOME": str(home),
        "DATABASE_URL": servers.database_url,
        "REDIS_URL": servers.redis_url,
    }


def redis_database() -> int:
    """The Valkey database of this xdist worker; 0 belongs to whoever runs without workers."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw-1").removeprefix("gw")) + 1
