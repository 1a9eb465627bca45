"""The statement: written in Core, compiled once for a kind of database, handed to its driver.

Core's way from a statement to the driver costs several times what these statements cost the
database, so the desk's own go there at once (see `round_trip`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
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

from incidents.store.round_trip import Given, send, send_many
from incidents.store.schema.types import UTCDateTime

T = TypeVar("T")
Row = Sequence[Any]
Process = Callable[[Any], Any]


class Asked(Generic[T]):
    """The answer to a question, which may still be under way."""

    def __init__(self, results: _Processes, read: Callable[[Row], T]) -> None:
        self._results = results
        self._read = read
        self._rows: Iterable[Row] | None = None

    def take(self, rows: Iterable[Row]) -> None:
        """The rows have come."""
        self._rows = rows

    def all(self) -> list[T]:
        """What was found; asked together with others, not before that has ended."""
        return self.unless(None)

    def unless(self, known: Callable[[Row], bool] | None) -> list[T]:
        """The same without the rows that are `known`, by what is no time and no JSON in them: they
        are not read, which costs more than to find them."""
        assert self._rows is not None, "the answer is still under way"
        rows = self._rows if known is None else [row for row in self._rows if not known(row)]
        return [self._read(row) for row in _processed(rows, self._results)]


class Question(Generic[T]):
    """A select, about given rows; `build` writes it for the kind of database that it is named.

    `read` makes a value of each row that is found.
    """

    def __init__(
        self,
        build: Callable[[str], tuple[Executable, Given | None]],
        read: Callable[[Row], T],
    ) -> None:
        self._build = build
        self._read = read
        self._compiled: dict[str, tuple[_Compiled, Given | None]] = {}

    def ask(
        self, connection: Connection, rows: Iterable[Sequence[Any]] = (), **values: Any
    ) -> Asked[T]:
        """Sends it: about `rows`, with `values` for its other parameters."""
        compiled, given = self._for(connection.dialect)
        if given is not None:
            values |= given.parameters(rows)
        asked = Asked(compiled.results, self._read)
        send(connection, compiled.sql, compiled.parameters(values), asked.take)
        return asked

    def _for(self, dialect: Dialect) -> tuple[_Compiled, Given | None]:
        found = self._compiled.get(dialect.name)
        if found is None:
            statement, given = self._build(dialect.name)
            found = self._compiled[dialect.name] = _compile(statement, dialect), given
        return found


class Change:
    """An insert, update or delete of rows of one table, each given as a tuple of `columns`.

    `keys` name the columns by which rows are found, which come first; the others are written. With
    no keys rows are inserted; with nothing else they are deleted. Rows for which `where` does not
    hold are left alone.
    """

    def __init__(
        self,
        table: Table,
        *columns: str,
        keys: Sequence[str] = (),
        where: ColumnElement[bool] | None = None,
    ) -> None:
        self._table = table
        self._keys = tuple(keys)
        self._where = () if where is None else (where,)
        self.columns = (*keys, *columns)
        self._compiled: dict[str, Callable[[Connection, Sequence[Row]], None]] = {}

    def tell(self, connection: Connection, rows: Sequence[Row]) -> None:
        """Sends them; not at all for none."""
        if not rows:
            return
        dialect = connection.dialect
        if dialect.name not in self._compiled:
            make = self._one_by_one if dialect.name == "sqlite" else self._as_json
            self._compiled[dialect.name] = make(dialect)
        self._compiled[dialect.name](connection, rows)

    def _one_by_one(self, dialect: Dialect) -> Callable[[Connection, Sequence[Row]], None]:
        values = [name for name in self.columns if name not in self._keys]
        compiled = _compile(self._statement({n: bindparam(f"new_{n}") for n in values}), dialect)
        places = [self.columns.index(name.removeprefix("new_")) for name in compiled.names]
        processes = compiled.binds

        def tell(connection: Connection, rows: Sequence[Row]) -> None:
            ordered = [tuple([row[place] for place in places]) for row in rows]
            send_many(connection, compiled.sql, _processed(ordered, processes))

        return tell

    def _as_json(self, dialect: Dialect) -> Callable[[Connection, Sequence[Row]], None]:
        """One parameter, and so one plan, for any number of rows."""
        table = self._table
        given = Given(dialect.name, **{name: table.c[name].type for name in self.columns})
        of = given.table.c
        if self._keys:
            values = {name: of[name] for name in self.columns if name not in self._keys}
            statement = self._statement(values, {name: of[name] for name in self._keys})
        else:
            statement = insert(table).from_select(self.columns, select(*of), include_defaults=False)
        compiled = _compile(statement, dialect)
        processes = tuple(
            (place, process)
            for place, name in enumerate(self.columns)
            if (process := _to_json(table.c[name].type, dialect)) is not None
        )

        def tell(connection: Connection, rows: Sequence[Row]) -> None:
            parameters = given.parameters(_processed(rows, processes))
            send(connection, compiled.sql, compiled.parameters(parameters))

        return tell

    def _statement(self, values: dict[str, Any], keys: dict[str, Any] | None = None) -> Executable:
        table = self._table
        if not self._keys:
            return insert(table).values(values)
        keys = keys or {name: bindparam(name, type_=table.c[name].type) for name in self._keys}
        found = and_(*(table.c[name] == value for name, value in keys.items()), *self._where)
        return update(table).values(values).where(found) if values else delete(table).where(found)


_Processes = tuple[tuple[int, Process], ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """The text, the names of its parameters in their order, and what is done to values."""

    sql: str
    names: tuple[str, ...]
    fixed: dict[str, Any]
    binds: _Processes
    results: _Processes

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        fixed = self.fixed
        found = [values[name] if name in values else fixed[name] for name in self.names]
        for place, process in self.binds:
            found[place] = process(found[place])
        return found


def _compile(statement: Executable, dialect: Dialect) -> _Compiled:
    if dialect.name != "sqlite":
        dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # every one takes it
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # has it
    names = tuple(compiled.positiontup)
    types = [compiled.binds[name].type for name in names]
    selected = getattr(statement, "selected_columns", ())
    return _Compiled(
        sql=str(compiled),
        names=names,
        fixed=compiled.params,
        binds=_processes([_to_database(type_, dialect) for type_ in types]),
        results=_processes([_from_database(c.type, dialect) for c in selected]),
    )


def _processes(found: Iterable[Process | None]) -> _Processes:
    return tuple((place, process) for place, process in enumerate(found) if process is not None)


def _processed(rows: Iterable[Sequence[Any]], processes: _Processes) -> list[Row]:
    if not processes:
        return list(rows)
    found: list[Row] = []
    for row in rows:
        values = list(row)
        for place, process in processes:
            value = values[place]
            if value is not None:
                values[place] = process(value)
        found.append(values)
    return found


def _to_json(kind: Any, dialect: Dialect) -> Process | None:
    """How a value of that column stands in JSON, from which PostgreSQL reads it back."""
    if isinstance(kind, LargeBinary):
        return lambda value: "\\x" + value.hex()
    return _to_database(kind, dialect)


def _to_database(kind: Any, dialect: Dialect) -> Process | None:
    found: Process | None = (
        kind.to_database(dialect) if isinstance(kind, UTCDateTime) else kind.bind_processor(dialect)
    )
    return found


def _from_database(kind: Any, dialect: Dialect) -> Process | None:
    found: Process | None = (
        kind.from_database(dialect)
        if isinstance(kind, UTCDateTime)
        else kind.result_processor(dialect, None)
    )
    return found
