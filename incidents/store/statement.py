"""A statement: written in Core, compiled once for a kind of database, given to its driver.

Core's path from a statement to the driver costs several times as much as these statements cost the
database, so the desk sends its own statements directly (see `round_trip`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Executable,
    LargeBinary,
    Table,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from incidents.store.compiled import (
    Compiled,
    Conversions,
    Row,
    compile_statement,
    conversions,
    converted,
    to_database,
)
from incidents.store.round_trip import pipelined, send, send_many
from incidents.store.values_table import Kind, ValuesTable

T = TypeVar("T")


def insert_or(connection: Connection, table: Table) -> Any:
    """An insert that can handle existing rows (`on_conflict_…`)."""
    # Each kind of database has its own; loading both would slow down every command.
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite

    return sqlite.insert(table)


def insert_missing(connection: Connection, table: Table) -> Executable:
    """An insert that skips existing rows."""
    insert_: Executable = insert_or(connection, table).on_conflict_do_nothing()
    return insert_


class Result(Generic[T]):
    """The rows of a query, which may not have arrived yet."""

    def __init__(self, own: Conversions, read: Callable[[Row], T]) -> None:
        self._conversions = own
        self._read = read
        self._rows: Sequence[Row] | None = None

    def take(self, rows: Sequence[Row]) -> None:
        """Store the rows that have arrived."""
        self._rows = rows

    def all(self, but: Callable[[Row], bool] | None = None) -> list[T]:
        """The values of the rows; in a joint round trip, only after its end.

        Rows for which `but` is true are not converted: conversion costs more than the search. `but`
        sees times and JSON unconverted.
        """
        assert self._rows is not None, "the answer is still under way"
        if not self._rows:
            return []
        rows = self._rows if but is None else [row for row in self._rows if not but(row)]
        return [self._read(row) for row in converted(rows, self._conversions)]


_every: list[Query[Any] | Mutation] = []


class Query(Generic[T]):
    """A SELECT on given rows of `columns`; `build` makes the statement from their table.

    `read` converts each row that is found.
    """

    def __init__(
        self, build: Callable[[ValuesTable], Executable], read: Callable[[Row], T], **columns: Kind
    ) -> None:
        self._build = build
        self._read = read
        self._columns = columns
        self._compiled: dict[tuple[str, bool], tuple[Compiled, ValuesTable]] = {}
        self._nothing = Result((), read)
        self._nothing.take(())
        _every.append(self)

    def fetch(self, connection: Connection, rows: Sequence[Row] = (), **values: Any) -> Result[T]:
        """Send the query about `rows`, with `values` for its other parameters.

        If the query needs given rows and there are none, nothing is sent and the result is empty.
        """
        if self._columns and not rows:
            return self._nothing
        compiled, given = self._for(connection.dialect, one=len(rows) == 1)
        result = Result(compiled.results, self._read)
        if self._columns:
            values |= given.parameters(rows)
        send(connection, compiled.sql, compiled.parameters(values), result.take)
        return result

    def compile(self, dialect: Dialect) -> None:
        """See `compile_all`."""
        for one in (False, True):
            self._for(dialect, one=one)

    def plan(self, connection: Connection) -> None:
        """See `plan_all`."""
        # Without given rows it would read, and perhaps lock.
        if self._columns:
            compiled, given = self._for(connection.dialect, one=False)
            send(connection, compiled.sql, compiled.parameters(given.parameters([])))

    def _for(self, dialect: Dialect, *, one: bool) -> tuple[Compiled, ValuesTable]:
        # On SQLite the other form costs the same.
        key = dialect.name, one and dialect.name != "sqlite"
        found = self._compiled.get(key)
        if found is None:
            given = ValuesTable(dialect.name, one=key[1], **self._columns)
            found = self._compiled[key] = compile_statement(self._build(given), dialect), given
        return found


_Write = Callable[[Connection, Sequence[Row]], None]


def compile_all(dialect: Dialect) -> None:
    """Compile every query and mutation that this process has loaded."""
    for each in tuple(_every):
        each.compile(dialect)


def plan_all(connection: Connection) -> None:
    """Have PostgreSQL plan them, as far as that changes nothing; in one round trip.

    A plan belongs to a connection, and to transactions that write or that read as this one.
    """
    with pipelined(connection):
        for each in tuple(_every):
            each.plan(connection)


class Mutation:
    """An insert, update or delete of rows of one table, each given as a tuple of `columns`.

    `keys` name the columns by which rows are found, which come first; the others are written.
    Without keys rows are inserted; with keys alone they are deleted. Rows for which `where` does
    not hold are left unchanged.
    """

    def __init__(
        self,
        table: Table,
        *columns: str,
        keys: Sequence[str] = (),
        where: ColumnElement[bool] | None = None,
    ) -> None:
        self._table = table
        self._keys = keys
        self._values = columns
        self._where = () if where is None else (where,)
        self.columns = (*keys, *columns)
        self._kinds = {name: table.c[name].type for name in self.columns}
        self._compiled: dict[tuple[str, bool], _Write] = {}
        _every.append(self)

    def execute(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Send the rows, if there are any."""
        if rows:
            self._for(connection.dialect, one=len(rows) == 1)(connection, rows)

    def compile(self, dialect: Dialect) -> None:
        """See `compile_all`."""
        for one in (False, True):
            self._for(dialect, one=one)

    def plan(self, connection: Connection) -> None:
        """See `plan_all`."""
        self._for(connection.dialect, one=False)(connection, ())

    def _for(self, dialect: Dialect, *, one: bool) -> _Write:
        key = dialect.name, one or dialect.name == "sqlite"
        found = self._compiled.get(key)
        if found is None:
            compiled = self._one_by_one if key[1] else self._as_arrays
            found = self._compiled[key] = compiled(dialect)
        return found

    def _one_by_one(self, dialect: Dialect) -> _Write:
        given = {f"given_{name}": name for name in self.columns}
        one = {name: bindparam(given_, type_=self._kinds[name]) for given_, name in given.items()}
        statement = self._found(one) if self._keys else insert(self._table).values(one)
        compiled = compile_statement(statement, dialect)
        places = [self.columns.index(given[name]) for name in compiled.names]
        is_in_order = places == sorted(places)

        def write(connection: Connection, rows: Sequence[Row]) -> None:
            if not is_in_order:
                rows = [tuple([row[place] for place in places]) for row in rows]
            send_many(connection, compiled.sql, converted(rows, compiled.binds))

        return write

    def _as_arrays(self, dialect: Dialect) -> _Write:
        """Compile a statement with the rows as arrays, so that it has one plan."""
        given = ValuesTable(dialect.name, one=False, **self._kinds)
        if self._keys:
            statement = self._found(given.c)
        else:
            new = select(*given.c)
            statement = insert(self._table).from_select(self.columns, new, include_defaults=False)
        compiled = compile_statement(statement, dialect)
        # An array takes bytes as they are.
        own = conversions(
            None if isinstance(kind, LargeBinary) else to_database(kind, dialect)
            for kind in self._kinds.values()
        )

        def write(connection: Connection, rows: Sequence[Row]) -> None:
            parameters = given.parameters(converted(rows, own))
            send(connection, compiled.sql, compiled.parameters(parameters))

        return write

    def _found(self, given: Any) -> Executable:
        """The update or delete of the rows whose keys are in `given`; values by column."""
        table = self._table
        found = and_(*(table.c[name] == given[name] for name in self._keys), *self._where)
        values = {name: given[name] for name in self._values}
        return update(table).values(values).where(found) if values else delete(table).where(found)
