"""The micros: times as whole microseconds since 1970, reckoned with inside a statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Float,
    cast,
    extract,
    func,
    literal_column,
    type_coerce,
)

SECOND = 1_000_000


def micros(moment: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Of a column of times."""
    if dialect == "sqlite":
        return type_coerce(moment, BigInteger)
    return cast(extract("epoch", moment) * number(SECOND), BigInteger)


def _of_text_on_sqlite(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """SQLite's own reading of a time loses microseconds: the fraction is read by itself."""
    seconds = cast(func.strftime("%s", func.substr(text, 1, 19)), BigInteger)
    fraction = cast("0" + func.rtrim(func.substr(text, 20), "Z"), Float)
    return seconds * number(SECOND) + cast(func.round(fraction * number(SECOND)), BigInteger)


def micros_of_text(text: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """Of a time as entries have it (RFC 3339, in UTC)."""
    if dialect == "sqlite":
        return _of_text_on_sqlite(text)
    return micros(cast(text, DateTime(timezone=True)), dialect)


def whole(us: ColumnElement[Any], unit: int) -> ColumnElement[Any]:
    """How many whole units there are: all that is divided is later than 1970."""
    return us // number(unit)


def number(n: int) -> ColumnElement[Any]:
    """A whole number that is written into the statement itself: a bound one, in what is grouped by,
    is another one to PostgreSQL.
    """
    return literal_column(str(int(n)), BigInteger)
