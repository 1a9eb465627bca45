"""Rows that a statement is given: one parameter or a few, however many rows there are.

The statement's text stays the same, so that it is compiled and planned once; a list of thousands
of values would be a new statement each time, and has a limit on SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    Connection,
    Executable,
    FromClause,
    Table,
    Text,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.types import TypeEngine

from incidents.store.types import microseconds

Kind = type[TypeEngine[Any]] | TypeEngine[Any]


class Given:
    """A table of given rows inside one statement for the database `dialect`."""

    def __init__(self, dialect: str, **columns: Kind) -> None:
        self._dialect = dialect
        self._names = tuple(columns)
        self.table = _json(columns) if dialect == "sqlite" else _arrays(columns)

    def parameters(self, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """What to execute the statement with, so that it is given `rows`."""
        if self._dialect == "sqlite":
            return {"given": json.dumps([[_plain(value) for value in row] for row in rows])}
        lists = list(zip(*rows, strict=True)) or [()] * len(self._names)
        return {
            f"given_{name}": list(values) for name, values in zip(self._names, lists, strict=True)
        }


def execute(connection: Connection, statement: Executable, rows: Sequence[Any]) -> None:
    """Executes a statement that writes, once for each of `rows`; not at all for none."""
    if rows:
        connection.execute(statement, rows)


def insert_missing(connection: Connection, table: Table) -> Executable:
    """An insert that leaves a row alone which is there already."""
    # Each kind of database has its own; loading both would cost every command its time.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()


def _json(columns: dict[str, Kind]) -> FromClause:
    each = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="each")
    return select(
        *(
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        )
    ).subquery("given")


def _arrays(columns: dict[str, Kind]) -> FromClause:
    lists = (bindparam(f"given_{name}", type_=ARRAY(kind)) for name, kind in columns.items())
    table = func.unnest(*lists).table_valued(
        *(column(name, kind) for name, kind in columns.items()), name="given"
    )
    return table.render_derived()


def _plain(value: Any) -> Any:
    return microseconds(value) if isinstance(value, datetime) else value
