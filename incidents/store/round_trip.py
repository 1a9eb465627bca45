"""The round trip: how statements, with the rows that they are given, reach the driver.

The statement's text stays the same, so that it is compiled and planned once; a list of thousands
of values would be a new statement each time, and has a limit on SQLite.

On PostgreSQL several can be under way at one moment (`pipeline`); on SQLite each is done at once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    column,
    exc,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.types import TypeEngine

from incidents.store.schema.types import microseconds

if TYPE_CHECKING:
    from incidents.store.pipeline import Pipeline


Kind = type[TypeEngine[Any]] | TypeEngine[Any]


class Given:
    """A table of given rows inside one statement for the database `dialect`."""

    def __init__(self, dialect: str, **columns: Kind) -> None:
        self._dialect = dialect
        self._names = tuple(columns)
        self._to_json = _sqlite_json if dialect == "sqlite" else self._postgresql_json
        self.table = _each(columns) if dialect == "sqlite" else _recordset(columns)

    def parameters(self, rows: Iterable[Sequence[Any]]) -> dict[str, Any]:
        """What to execute the statement with, so that it is given `rows`."""
        rows = list(rows)
        return {"given": self._to_json(rows), "given_most": len(rows)}

    def joined(
        self, columns: Iterable[ColumnElement[Any]], table: FromClause, on: ColumnElement[bool]
    ) -> Select[Any]:
        """The `columns` of those rows of `table` that belong to a given row.

        On PostgreSQL they are looked up for each given row, which the offset of nothing makes sure
        of: a plan from when the table was small would else read all of a partial index.
        """
        if self._dialect == "sqlite":
            return select(*columns).select_from(self.table.join(table, on))
        found = select(*columns).select_from(table).where(on).offset(literal_column("0"))
        each = found.lateral("found")
        return select(*each.c).select_from(self.table.join(each, true()))

    def _postgresql_json(self, rows: list[Sequence[Any]]) -> str:
        return _ISO.encode([dict(zip(self._names, row, strict=True)) for row in rows])


def insert_missing(connection: Connection, table: Table) -> Executable:
    """An insert that leaves a row alone which is there already."""
    # Each kind of database has its own; loading both would cost every command its time.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table).on_conflict_do_nothing()
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table).on_conflict_do_nothing()


def _each(columns: dict[str, Kind]) -> FromClause:
    each = func.json_each(bindparam("given", type_=Text)).table_valued("value", name="each")
    return select(
        *(
            func.json_extract(each.c.value, f"$[{place}]", type_=kind).label(name)
            for place, (name, kind) in enumerate(columns.items())
        )
    ).subquery("given")


def _recordset(columns: dict[str, Kind]) -> FromClause:
    """The limit cuts nothing off: it tells the planner that there are few.

    It would else reckon with a hundred rows, and read a whole table to find one of them.
    """
    rows = func.json_to_recordset(cast(bindparam("given", type_=Text), JSON)).table_valued(
        *(column(name, kind) for name, kind in columns.items()), name="rows"
    )
    most = bindparam("given_most", type_=Integer)
    return select(rows.render_derived(with_types=True)).limit(most).subquery("given")


def _sqlite_json(rows: list[Sequence[Any]]) -> str:
    return _MICROSECONDS.encode(rows)


_ISO = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=datetime.isoformat
)
_MICROSECONDS = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=microseconds
)


Take = Callable[[list[tuple[Any, ...]]], None]
"""What is given the rows that a statement has found."""


@contextmanager
def together(connection: Connection, *, commit: bool = False) -> Iterator[None]:
    """Lets what is asked and told inside be under way at once; all has arrived when it ends.

    Nothing else may be sent meanwhile. With `commit` the transaction ends with it.

    Raises:
        DBAPIError: of the first statement that failed.
    """
    if connection.dialect.name != "sqlite":
        with _pipelined(connection) as pipeline:
            yield
            if commit:
                pipeline.send("COMMIT")
    else:
        yield
    if commit:
        connection.commit()


@contextmanager
def _pipelined(connection: Connection) -> Iterator[Pipeline]:
    pipeline = _pipeline(connection)
    try:
        pipeline.open()
        try:
            yield pipeline
        except BaseException:
            pipeline.abandon()
            raise
        pipeline.close()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _complained(connection, error) from error
    except BaseException as error:
        if _driver(connection).closed:
            connection.invalidate(error)
        raise


def _pipeline(connection: Connection) -> Pipeline:
    found: Pipeline | None = connection.info.get("pipeline")
    if found is None:
        # psycopg is there when there is such a connection, and not before.
        from incidents.store.pipeline import Pipeline

        found = connection.info["pipeline"] = Pipeline(_driver(connection))
    return found


def command(connection: Connection, sql: str) -> None:
    """Sends what asks nothing and changes no row."""
    try:
        _driver(connection).execute(sql)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _complained(connection, error) from error


def send(
    connection: Connection, sql: str, parameters: Sequence[Any], take: Take | None = None
) -> None:
    """Sends one statement; `take` is given its rows when they have come.

    Raises:
        DBAPIError: at once, or at the end of what it is sent together with.
    """
    # Unlike Core's, these statements begin no transaction of their own.
    assert connection.in_transaction()
    if connection.dialect.name != "sqlite":
        pipeline = _pipeline(connection)
        if pipeline.is_open:
            pipeline.send(sql, parameters, take)
        else:
            with _pipelined(connection):
                pipeline.send(sql, parameters, take)
        return
    cursor = _driver(connection).cursor()
    try:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise _complained(connection, error) from error
    if take is not None:
        take(rows)


def send_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Sends one statement for each of `rows`, its parameters: on SQLite alone.

    Raises:
        DBAPIError: of the first that failed.
    """
    assert connection.in_transaction()
    try:
        _driver(connection).executemany(sql, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _complained(connection, error) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _complained(connection: Connection, error: Exception) -> Exception:
    """What the driver complains of, as SQLAlchemy would have said it."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.driver_connection, None)  # type: ignore[arg-type]  # one of ours
    if lost and not connection.invalidated:
        connection.invalidate(error)
    said: Exception = exc.DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=lost, dialect=dialect,
    )  # fmt: skip
    return said
