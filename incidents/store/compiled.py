"""The compiled statement: its text for one kind of database, and the conversions of its values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Dialect, Executable, LargeBinary

from incidents.store.schema.types import UTCDateTime

Row = Sequence[Any]
Convert = Callable[[Any], Any]
Conversions = tuple[tuple[int, Convert], ...]
"""The places of a row whose values are converted, each with its conversion; not that of None."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text, the names of its parameters in their order, and the conversions of values."""

    sql: str
    names: tuple[str, ...]
    fixed: dict[str, Any]
    binds: Conversions
    results: Conversions

    def parameters(self, values: dict[str, Any]) -> list[Any]:
        """The parameters in their order, from values by their names."""
        fixed = self.fixed
        found = [values[name] if name in values else fixed[name] for name in self.names]
        for place, convert in self.binds:
            value = found[place]
            if value is not None:
                found[place] = convert(value)
        return found


def compile_statement(statement: Executable, dialect: Dialect) -> Compiled:
    """Compile a statement for a kind of database."""
    if dialect.name != "sqlite":
        dialect = type(dialect)(paramstyle="numeric_dollar")  # type: ignore[call-arg]  # every one takes it
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # has it
    names = tuple(compiled.positiontup)
    selected = getattr(statement, "selected_columns", ())
    return Compiled(
        sql=str(compiled),
        names=names,
        fixed=compiled.params,
        binds=conversions(to_database(compiled.binds[name].type, dialect) for name in names),
        results=conversions(_from_database(column.type, dialect) for column in selected),
    )


def conversions(found: Iterable[Convert | None]) -> Conversions:
    """The conversions of a row, given that of each place, or None."""
    return tuple((place, convert) for place, convert in enumerate(found) if convert is not None)


def converted(rows: Sequence[Row], own: Conversions) -> Sequence[Row]:
    """The rows with their values converted."""
    if not own:
        return rows
    found: list[Row] = []
    for row in rows:
        values = list(row)
        for place, convert in own:
            value = values[place]
            if value is not None:
                values[place] = convert(value)
        found.append(values)
    return found


def to_database(kind: Any, dialect: Dialect) -> Convert | None:
    """The conversion of a value of that type to the driver's."""
    if isinstance(kind, LargeBinary) and dialect.name == "postgresql":
        from incidents.store.postgresql.pipeline import Binary

        return Binary
    is_time = isinstance(kind, UTCDateTime)
    found: Convert | None = kind.to_database(dialect) if is_time else kind.bind_processor(dialect)
    return found


def _from_database(kind: Any, dialect: Dialect) -> Convert | None:
    is_time = isinstance(kind, UTCDateTime)
    found: Convert | None = (
        kind.from_database(dialect) if is_time else kind.result_processor(dialect, None)
    )
    return found
