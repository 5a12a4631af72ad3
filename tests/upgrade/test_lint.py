"""The migration linter finds what it is there for, and nothing else."""

from __future__ import annotations

import pytest
from django.contrib.postgres.operations import AddConstraintNotValid, AddIndexConcurrently, ValidateConstraint
from django.db import migrations, models
from django.db.migrations.state import ProjectState

from tests.upgrade.lint import findings, statements_of, unreleased

pytestmark = pytest.mark.django_db
COUNT = models.CheckConstraint(condition=models.Q(count__gt=1), name="many")


def old_table() -> ProjectState:
    """A table that the previous release has."""
    state = ProjectState()
    fields = [("id", models.BigAutoField(primary_key=True)), ("count", models.IntegerField(null=True))]
    migrations.CreateModel("Big", fields).state_forwards("x", state)
    migrations.CreateModel("Other", fields[:1]).state_forwards("x", state)
    return state


def found(*operations, first=(), **attributes) -> list[str]:
    """The rules that a migration of these operations breaks, after another of `first`."""
    state, plan = old_table(), []
    for name, each in (("0001", first), ("0002", operations)):
        migration = type("M", (migrations.Migration,), {"operations": list(each), **attributes})(name, "x")
        state, statements = statements_of(migration, state)
        plan.append((migration, statements))
    return sorted({finding.rule for finding in findings(plan)})


def sql(text: str) -> migrations.RunSQL:
    return migrations.RunSQL(text, migrations.RunSQL.noop)


def nothing(apps, editor) -> None:
    pass


REQUIRED = models.IntegerField(default=0)
INDEX = models.Index(fields=["count"], name="i")
UNIQUE = models.UniqueConstraint(fields=["count"], name="u")
CAUGHT = {
    "an index that is not made concurrently": (
        migrations.AddIndex("Big", INDEX),
        "require-concurrent-index-creation",
    ),
    "another type": (
        migrations.AlterField("Big", "count", models.TextField(null=True)),
        "changing-column-type",
    ),
    "NOT NULL all at once": (
        migrations.AlterField("Big", "count", models.IntegerField()),
        "adding-not-nullable-field",
    ),
    "a default that only code knows": (migrations.AddField("Big", "more", REQUIRED), "ban-drop-default"),
    "a constraint that is valid at once": (
        migrations.AddConstraint("Big", COUNT),
        "constraint-missing-not-valid",
    ),
    "a unique constraint": (migrations.AddConstraint("Big", UNIQUE), "disallowed-unique-constraint"),
    "a foreign key": (
        migrations.AddField(
            "Big", "o", models.ForeignKey("x.Other", models.CASCADE, null=True, db_index=False)
        ),
        "adding-foreign-key-constraint",
    ),
    "a column that goes": (migrations.RemoveField("Big", "count"), "ban-drop-column"),
    "a column with another name": (migrations.RenameField("Big", "count", "n"), "renaming-column"),
    "a table that goes": (migrations.DeleteModel("Big"), "ban-drop-table"),
    "Python in one transaction": (migrations.RunPython(nothing), "run-python-in-transaction"),
    "rows that are changed": (sql("UPDATE x_big SET count = 0"), "data-rewrite"),
    "rows that are copied": (sql("INSERT INTO x_big (count) SELECT id FROM x_other"), "data-rewrite"),
}


@pytest.mark.parametrize("name", CAUGHT)
def test_it_finds(name):
    operation, rule = CAUGHT[name]
    assert rule in found(operation)


def test_what_breaks_older_code_may_if_it_says_so_but_may_not_lock():
    drop = migrations.RemoveField("Big", "count")
    assert found(drop, breaks_older_code=True) == []
    assert found(migrations.AddIndex("Big", INDEX), breaks_older_code=True) != []


def test_what_holds_nobody_up_passes():
    assert found(migrations.AddField("Big", "more", models.IntegerField(null=True))) == []
    assert found(migrations.AddField("Big", "more", models.IntegerField(db_default=0))) == []
    assert found(AddIndexConcurrently("Big", INDEX), atomic=False) == []
    assert found(AddConstraintNotValid("Big", COUNT)) == []
    assert found(ValidateConstraint("Big", "many"), first=[AddConstraintNotValid("Big", COUNT)]) == []
    assert found(migrations.RunPython(nothing), atomic=False) == []
    assert (
        found(sql("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ UPDATE x_big SET count = 0 $$")) == []
    )


def test_tables_that_no_release_has_are_free_also_in_later_migrations():
    fields = [("id", models.BigAutoField(primary_key=True)), ("count", models.IntegerField(null=True))]
    later = [
        migrations.AddIndex("New", INDEX),
        migrations.AddConstraint("New", COUNT),
        migrations.AlterField("New", "count", models.TextField(default="", null=False)),
        sql("UPDATE x_new SET count = 0"),
    ]
    assert found(*later, first=[migrations.CreateModel("New", fields)]) == []
    assert found(migrations.AddIndex("Big", INDEX), first=[migrations.CreateModel("New", fields)]) != []


def test_what_is_new_since_the_previous_release_passes():
    assert findings(unreleased()) == []
