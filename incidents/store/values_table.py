"""The table of given rows, which a statement joins: one parameter, whatever the number of rows.

The statement's text stays the same, so it is compiled and planned once. A list of thousands of
values would be a new statement each time, and SQLite limits its length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from incidents.store.schema.types import microseconds

Kind = type[TypeEngine[Any]] | TypeEngine[Any]


class ValuesTable:
    """A table of given rows inside one statement for the database `dialect`; `c` are its columns.

    The rows are one parameter, in JSON.
    """

    def __init__(self, dialect: str, **columns: Kind) -> None:
        self.dialect = dialect
        self._names = tuple(columns)
        self.table = _each(columns) if dialect == "sqlite" else _recordset(columns)
        self.c = self.table.c

    def parameters(self, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that give the statement these `rows`."""
        rows = list(rows)
        if self.dialect == "sqlite":
            given = _MICROSECONDS.encode(rows)
        else:
            given = _ISO.encode([dict(zip(self._names, row, strict=True)) for row in rows])
        return {"given": given, "given_most": len(rows)}

    def joined(
        self,
        columns: Iterable[ColumnElement[Any]],
        table: FromClause,
        *on: ColumnElement[bool],
    ) -> Select[Any]:
        """The `columns` of those rows of `table` that belong to a given row.

        On PostgreSQL the empty OFFSET forces a look-up for each given row: a plan made while the
        table was small would read all of a partial index.
        """
        if self.dialect == "sqlite":
            return select(*columns).select_from(self.table.join(table, and_(*on)))
        found = select(*columns).select_from(table).where(*on).offset(literal_column("0"))
        each = found.lateral("found")
        return select(*each.c).select_from(self.table.join(each, true()))


def _each(columns: dict[str, Kind]) -> FromClause:
    each = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="each")
    return select(
        *(
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        )
    ).subquery("given")


def _recordset(columns: dict[str, Kind]) -> FromClause:
    """The given rows, with a limit that cuts nothing off but tells the planner that rows are few.

    Otherwise the planner would expect a hundred rows, and read a whole table to find one of them.
    """
    rows = func.json_to_recordset(cast(bindparam("given", type_=Text), JSON)).table_valued(
        *(column(name, kind) for name, kind in columns.items()), name="rows"
    )
    most = bindparam("given_most", type_=Integer)
    return select(rows.render_derived(with_types=True)).limit(most).subquery("given")


_ISO, _MICROSECONDS = (
    json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=default)
    for default in (datetime.isoformat, microseconds)
)
