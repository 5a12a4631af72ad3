"""What a release leaves behind: a database dump, its objects, and what anybody may hold it to (facts.json).

`tests/upgrade/make` runs this by the code of that release; it uses little of it that may change.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

KEY = "the key of the installation that is upgraded"


def main(commit: str, home: Path, target: Path) -> None:
    from gitslice.ops.embedded import running

    with running(home, durable=False) as servers:
        os.environ |= {
            "GITSLICE_HOME": str(home),
            "GITSLICE_SECRET_KEY": KEY,
            "DATABASE_URL": servers.database_url,
            "REDIS_URL": servers.redis_url,
            "DJANGO_SETTINGS_MODULE": "gitslice.settings",
        }
        import django

        (home / "static").mkdir()
        django.setup()
        facts = {"commit": commit, "key": KEY} | furnish()
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        dump(servers.database_url, target / "database.dump")
    shutil.copytree(home / "objects", target / "objects", ignore=shutil.ignore_patterns("incoming"))
    (target / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")


def furnish() -> dict[str, Any]:
    """Fill the database by the product's services; gives what is to be seen afterwards."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    import gitslice

    call_command("migrate", interactive=False, verbosity=0)
    from tests.furnished import FurnishedWorld
    from tests.test_admin import fill

    world = FurnishedWorld()
    fill(world, 1)  # rows of every kind
    token = world.token(world.owner)
    call_command("fsck")
    return {
        "version": gitslice.__version__,
        "migrations": sorted(MigrationRecorder(connection).applied_migrations()),
        "token": token,
        "manifests": manifests(token, [slice.name for slice in world.organization.slices.order_by("name")]),
        "rows": rows(),
    }


def manifests(token: str, names: list[str]) -> dict[str, dict[str, list[str]]]:
    """By slice and commit, the lines of every manifest that there is, as the API gives them."""
    from django.test import Client

    client, found = Client(headers={"authorization": f"Bearer {token}", "host": "localhost"}), {}
    for name in names:
        log = client.get(f"/api/v1/slices/acme/{name}/commits/", {"limit": 50}).json()
        commits = [item["commit"] for item in log["items"]]
        answers = {
            commit: client.get(f"/api/v1/slices/acme/{name}/manifest/", {"commit": commit})
            for commit in commits
        }
        found[name] = {
            commit: b"".join(answer.streaming_content).decode().splitlines()
            for commit, answer in answers.items()
        }
    return found


def rows() -> dict[str, int]:
    """How many rows every table has."""
    from django.db import connection

    with connection.cursor() as cursor:
        counts = {}
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f'SELECT count(*) FROM "{table}"')
            counts[table] = cursor.fetchone()[0]
    return counts


def dump(url: str, path: Path) -> None:
    from gitslice.ops import postgres

    command = [
        postgres.program("pg_dump"),
        "--format=custom",
        "--compress=9",
        "--no-owner",
        "--no-privileges",
    ]
    with path.open("wb") as file:
        subprocess.run([*command, url], stdout=file, check=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
