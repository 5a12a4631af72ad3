"""Instances of models from hand-written SQL, for the few questions that every request asks: there Django would take
longer to write the statement than PostgreSQL to answer it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Generic, TypeVar

from django.db import connection, models

M = TypeVar("M", bound=models.Model)


class Columns(Generic[M]):
    """All columns of a model under an alias, and the instance that their values make."""

    def __init__(self, model: type[M], alias: str) -> None:
        fields = model._meta.concrete_fields
        self._model = model
        self._names = [field.attname for field in fields]
        self._json = [place for place, field in enumerate(fields) if isinstance(field, models.JSONField)]
        self.sql = ", ".join(f'{alias}."{field.column}"' for field in fields)

    def take(self, row: Iterator[Any]) -> M:
        """The instance of the next values of a row, in the order of `sql`. All are None where an outer join found nothing."""
        values = list(islice(row, len(self._names)))
        for place in self._json:
            field = self._model._meta.concrete_fields[place]
            values[place] = field.from_db_value(values[place], None, connection)  # type: ignore[attr-defined]
        return self._model.from_db(connection.alias, self._names, values)


def fetch_row(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> tuple[Any, ...] | None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchone()


def fetch_rows(sql: str, parameters: Sequence[Any] | Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
