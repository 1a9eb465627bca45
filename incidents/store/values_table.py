"""The table of given rows, which a statement joins: its text does not depend on their number.

So the statement is compiled and planned once. A list of thousands of values would be a new
statement each time, and SQLite limits its length.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
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

    The rows are one parameter in JSON on SQLite, and an array for each column on PostgreSQL, whose
    server reads arrays in half the time. With `one`, the only row has a parameter for each value.
    """

    def __init__(self, dialect: str, *, one: bool = False, **columns: Kind) -> None:
        self.dialect = dialect
        self._one = one
        self._names = tuple(f"given_{name}" for name in columns)
        if one:
            self.table = _alone(columns)
        else:
            self.table = _each(columns) if dialect == "sqlite" else _unnested(columns)
        self.c = self.table.c

    def parameters(self, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """The parameters that give the statement these `rows`."""
        rows = list(rows)
        if self._one:
            [row] = rows
            return dict(zip(self._names, row, strict=True))
        if self.dialect == "sqlite":
            return {"given": _JSON.encode(rows)}
        # Loaded with its library, which the first connection has needed.
        from incidents.store.postgresql.array import array

        columns = zip(*rows, strict=True) if rows else [() for _ in self._names]
        arrays = {name: array(own) for name, own in zip(self._names, columns, strict=True)}
        return {**arrays, "given_most": len(rows)}

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


def _alone(columns: dict[str, Kind]) -> FromClause:
    own = (
        cast(bindparam(f"given_{name}", type_=kind), kind).label(name)
        for name, kind in columns.items()
    )
    return select(*own).subquery("given")


def _each(columns: dict[str, Kind]) -> FromClause:
    each = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="each")
    return select(
        *(
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        )
    ).subquery("given")


def _unnested(columns: dict[str, Kind]) -> FromClause:
    """The given rows, with a limit that cuts nothing off but tells the planner that rows are few.

    Otherwise the planner might expect so many that it reads a whole table to find one of them.
    """
    # Loading it would slow down every command on SQLite.
    from sqlalchemy.dialects.postgresql import ARRAY

    arrays = (cast(bindparam(f"given_{name}"), ARRAY(kind)) for name, kind in columns.items())
    rows = func.unnest(*arrays).table_valued(
        *(column(name, kind) for name, kind in columns.items()), name="rows"
    )
    most = bindparam("given_most", type_=Integer)
    return select(rows.render_derived()).limit(most).subquery("given")


_JSON = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=microseconds
)
