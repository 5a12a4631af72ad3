"""`make pooling`: tests of landing and of the API, through PgBouncer that pools transactions. Needs Debian's pgbouncer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from gitslice.ops.embedded import free_port, running
from gitslice.ops.processes import identity

REPOSITORY = Path(__file__).resolve().parent.parent
TESTS = [
    "changesets/tests",
    "slices/tests/test_api_reading.py",
    "slices/tests/test_streams.py",
    "cli/tests/test_commands.py",
]


def write_settings(folder: Path, database_url: str) -> tuple[Path, int]:
    parts, port = urlsplit(database_url), free_port()
    users, settings = folder / "users.txt", folder / "pgbouncer.ini"
    users.write_text(f'"{parts.username}" "{parts.password}"\n')
    settings.write_text(f"""[databases]
* = host=127.0.0.1 port={parts.port} connect_query='SET statement_timeout TO 10000; SET lock_timeout TO 10000'
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = 8
max_client_conn = 500
logfile = {folder}/pgbouncer.log
pidfile = {folder}/pgbouncer.pid
""")
    for path in (users, settings):
        path.chmod(0o644)
    return settings, port


def main() -> int:
    program = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if not program:
        sys.exit("error: pgbouncer is missing: apt-get install pgbouncer")
    home = Path(tempfile.mkdtemp(prefix="gitslice-pooling-"))
    home.chmod(0o755)
    pooler = home / "pooler"
    pooler.mkdir()
    pooler.chmod(0o777)
    with running(home, durable=False) as servers:
        settings, port = write_settings(pooler, servers.database_url)
        process = subprocess.Popen([program, "--quiet", settings], cwd="/", **identity())  # type: ignore[call-overload]
        try:
            parts = urlsplit(servers.database_url)
            pooled = parts._replace(netloc=f"{parts.username}:{parts.password}@127.0.0.1:{port}").geturl()
            environment = {
                "GITSLICE_TEST_HOME": str(home),
                "GITSLICE_HOME": str(home),
                "DATABASE_URL": f"{pooled}?pooling=transaction",
                "REDIS_URL": servers.redis_url,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "GITSLICE_RACE_ROUNDS": "5",
            }
            time.sleep(1)
            # --reuse-db: a database to which the pooler holds connections cannot be dropped
            tests = [sys.executable, "-m", "pytest", "-q", "--reuse-db", *(sys.argv[1:] or TESTS)]
            code = subprocess.run(tests, cwd=REPOSITORY, env=os.environ | environment).returncode
            with psycopg.connect(servers.database_url) as direct:
                held = direct.execute(
                    "SELECT count(*) FROM pg_stat_activity WHERE datname LIKE 'test%'"
                ).fetchone()
            print(f"PgBouncer holds {held[0]} connections" if held else "")
        finally:
            process.terminate()
            process.wait()
    shutil.rmtree(home, ignore_errors=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
