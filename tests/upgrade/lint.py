"""Migrations that would hold up a server in use, or break the code that runs beside them (docs/upgrading.md).

Looked at are those that the previous release does not have (tests/upgrade/previous), by the SQL they come to. squawk
knows which statements hold a lock for long; here stands what it means for us. Tables that no release has are nobody's
yet: whatever happens to them is free.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import connection
from django.db.migrations import Migration, RunPython
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

PREVIOUS = Path(__file__).parent / "previous" / "facts.json"
BREAKING = {  # fine with `breaks_older_code = True`
    "ban-drop-column": "code of the previous release still names the column",
    "ban-drop-table": "code of the previous release still names the table",
    "ban-drop-default": "code of the previous release gives the column no value: use db_default",
    "renaming-column": "code of the previous release knows the old name",
    "renaming-table": "code of the previous release knows the old name",
}
LOCKING = {
    "adding-field-with-default": "a default that is computed writes the table anew",
    "adding-foreign-key-constraint": "checks all rows under a lock: AddField with db_constraint=False, or NOT VALID",
    "adding-not-nullable-field": "reads all rows under a lock: a valid CHECK (... IS NOT NULL) first",
    "adding-required-field": "fails where there are rows: NULL or db_default",
    "adding-serial-primary-key-field": "writes the table anew under a lock",
    "ban-concurrent-index-creation-in-transaction": "the migration needs atomic = False",
    "changing-column-type": "writes the table anew under a lock: a new column instead",
    "constraint-missing-not-valid": "checks all rows under a lock: AddConstraintNotValid, then ValidateConstraint",
    "disallowed-unique-constraint": "makes its index under a lock: AddIndexConcurrently, then USING INDEX",
    "require-concurrent-index-creation": "nobody can write meanwhile: AddIndexConcurrently, with atomic = False",
    "require-concurrent-index-deletion": "waits for all readers: RemoveIndexConcurrently, with atomic = False",
}
TABLE = r'"?(?:public"?\.)?"?(\w+)"?'
CREATED = re.compile(rf"\bCREATE TABLE (?:IF NOT EXISTS )?{TABLE}", re.IGNORECASE)
TOUCHED = re.compile(
    rf"\b(?:ALTER TABLE(?: ONLY)?|DROP TABLE|UPDATE|DELETE FROM|INSERT INTO|INDEX\b.*?\bON) (?:IF EXISTS )?{TABLE}",
    re.IGNORECASE | re.DOTALL,
)
REWRITES = re.compile(r"\A\s*(?:UPDATE|DELETE FROM|INSERT INTO .*\bSELECT)\b", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Finding:
    migration: str
    rule: str
    statement: str
    why: str

    def __str__(self) -> str:
        return f"{self.migration}: {self.rule}: {self.why}\n    {self.statement}"


def findings(plan: Iterable[tuple[Migration, list[str]]]) -> list[Finding]:
    """Of migrations with their statements, in the order in which they are applied."""
    plan = list(plan)
    created = {
        name for _, statements in plan for statement in statements for name in CREATED.findall(statement)
    }
    found = []
    for migration, statements in plan:
        touching = [statement for statement in statements if _touches_old(statement, created)]
        found += [*_by_squawk(migration, statements, created), *_rewriting(migration, touching)]
        if migration.atomic and any(isinstance(operation, RunPython) for operation in migration.operations):
            why = "all rows in one transaction: in batches, with atomic = False"
            found.append(Finding(str(migration), "run-python-in-transaction", "RunPython", why))
    return found


def _by_squawk(migration: Migration, statements: list[str], created: set[str]) -> Iterator[Finding]:
    excused = BREAKING if getattr(migration, "breaks_older_code", False) else {}
    told = {rule: why for rule, why in (BREAKING | LOCKING).items() if rule not in excused}
    for rule, statement in _squawk(statements, atomic=migration.atomic):
        if rule in told and _touches_old(statement, created):
            yield Finding(str(migration), rule, statement, told[rule])


def _squawk(statements: list[str], *, atomic: bool) -> Iterator[tuple[str, str]]:
    """Rules with the statements that they find fault with."""
    lines = [" ".join(statement.split()) for statement in (without_bodies(each) for each in statements)]
    lines = ["BEGIN;", *lines, "COMMIT;"] if atomic else lines
    program = str(Path(sys.executable).parent / "squawk")
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        command = [program, "--pg-version", "15", "--reporter", "json", file.name]
        ended = subprocess.run(command, capture_output=True, text=True)
    if ended.returncode not in (0, 1):
        raise RuntimeError(f"squawk failed: {ended.stderr}")
    for told in json.loads(ended.stdout or "[]"):
        yield told["rule_name"], lines[told["line"]]


def _rewriting(migration: Migration, statements: list[str]) -> Iterator[Finding]:
    for statement in statements:
        if REWRITES.match(without_bodies(statement)):
            why = "changes rows in the transaction that holds the locks: RunPython in batches, or a task"
            yield Finding(str(migration), "data-rewrite", statement, why)


def _touches_old(statement: str, created: set[str]) -> bool:
    """Whether it is about a table that a release has, or that cannot be told."""
    tables = TOUCHED.findall(without_bodies(statement))
    return not tables or not created.issuperset(tables)


def without_bodies(statement: str) -> str:
    """Without comments and what stands in functions."""
    statement = re.sub(r"(\$\w*\$).*?\1", "''", statement, flags=re.DOTALL)
    return re.sub(r"--[^\n]*", "", statement)


def unreleased() -> list[tuple[Migration, list[str]]]:
    """Migrations that the previous release does not have, with their statements."""
    released = {tuple(key) for key in json.loads(PREVIOUS.read_text())["migrations"]}
    loader = MigrationLoader(None, replace_migrations=False)
    plan: dict[Any, None] = {}
    for leaf in loader.graph.leaf_nodes():
        plan |= dict.fromkeys(loader.graph.forwards_plan(leaf))
    state, found = ProjectState(real_apps=loader.unmigrated_apps), []
    for key in plan:
        migration = loader.graph.nodes[key]
        if key in released:
            state = migration.mutate_state(state, preserve=False)
        else:
            state, statements = statements_of(migration, state)
            found.append((migration, statements))
    return found


def statements_of(migration: Migration, state: ProjectState) -> tuple[ProjectState, list[str]]:
    """What applying it after `state` comes to, as `sqlmigrate` tells it; and the state then."""
    own = connection.copy()  # in no transaction, whoever asks
    try:
        with own.schema_editor(collect_sql=True, atomic=False) as editor:
            state = migration.apply(state, editor, collect_sql=True)
    finally:
        own.close()
    return state, [each for each in editor.collected_sql if without_bodies(each).strip()]


def main() -> int:
    import django

    django.setup()
    found = findings(unreleased())
    for finding in found:
        print(f"error: {finding}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
