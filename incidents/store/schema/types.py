"""The column types of all tables: times in UTC, JSON as text, text sorted by bytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    literal_column,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

UNRECORDED = {"recorded": False}
"""The `info` of a column that no entry contains, in a table that is derived from the record."""


def recorded(table: Table) -> list[Column[Any]]:
    """The columns of a table that are derived from entries, in their order."""
    return [column for column in table.c if column.info.get("recorded", True)]


def words(*values: str) -> list[ColumnElement[str]]:
    """The `values` as literals in the statement: bound values cannot use a partial index."""
    return [literal_column(f"'{value}'") for value in values]


@dataclass(frozen=True, slots=True)
class _PartialIndex:
    name: str
    where: ColumnElement[bool]
    columns: tuple[Column[Any], ...]
    unique: bool = False


_partial: list[_PartialIndex] = []


def partial_index(
    name: str, where: ColumnElement[bool], *columns: Column[Any], unique: bool = False
) -> None:
    _partial.append(_PartialIndex(name, where, columns, unique))


def add_partial_indexes() -> None:
    """Add the partial indexes declared so far to their tables."""
    while _partial:
        index = _partial.pop()
        Index(
            index.name, *index.columns, unique=index.unique,
            sqlite_where=index.where, postgresql_where=index.where,
        )  # fmt: skip


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware time, read back in UTC.

    timestamptz on PostgreSQL; on SQLite, which has no type for times, an integer of microseconds
    since 1970, exact and sorted by time. A time without a zone is refused.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    @property
    def python_type(self) -> type[datetime]:
        """The type of its values."""
        return datetime

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """The type in this database."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Convert a value for the database."""
        if value is None:
            return None
        if value.utcoffset() is None:
            raise ValueError(f"a time without a zone: {value.isoformat()}")
        return microseconds(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Convert a value of the database."""
        convert = self.from_database(dialect)
        return value if value is None or convert is None else convert(value)

    def to_database(self, dialect: Dialect) -> Callable[[datetime], int] | None:
        """The conversion from a time to the driver's value; None if there is nothing to convert."""
        return microseconds if dialect.name == "sqlite" else None

    def from_database(self, dialect: Dialect) -> Callable[[int], datetime] | None:
        """The conversion from the driver's value to a time; None if there is nothing to convert.

        Each connection to PostgreSQL returns times in UTC: see `postgresql_engine`.
        """
        return from_microseconds if dialect.name == "sqlite" else None


class JSONText(TypeDecorator[Any]):
    """JSON as text.

    With `sort_keys`, equal values are equal texts; otherwise keys keep their order.
    """

    impl = Text
    cache_ok = True

    def __init__(self, *, sort_keys: bool = True) -> None:
        super().__init__()
        self.sort_keys = sort_keys

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Convert a value for the database."""
        return None if value is None else canonical(value, sort_keys=self.sort_keys)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Convert a value of the database."""
        return None if value is None else json.loads(value)


def microseconds(moment: datetime) -> int:
    """An aware time as microseconds since 1970, as SQLite stores it."""
    since = moment - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def from_microseconds(count: int) -> datetime:
    """The UTC time of that many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=count)


def canonical(value: Any, *, sort_keys: bool = True) -> str:
    """The canonical JSON (RFC 8785) of a value whose keys are ASCII and which has no floats."""
    return _ENCODERS[sort_keys].encode(value)


_ENCODERS = {
    sort_keys: json.JSONEncoder(sort_keys=sort_keys, ensure_ascii=False, separators=(",", ":"))
    for sort_keys in (False, True)
}


# SQLite increments only a column declared INTEGER.
Number = BigInteger().with_variant(Integer(), "sqlite")
# Sorted by bytes, as on SQLite, whatever the server's collation.
Word = Text().with_variant(Text(collation="C"), "postgresql")
