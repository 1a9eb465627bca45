"""The pages of a long list, with times as whole microseconds to compare in statements.

A cursor is opaque: it holds the kind of its list, and the keys of the last row shown.
"""

from __future__ import annotations

import base64
import binascii
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Float,
    Select,
    UnaryExpression,
    cast,
    extract,
    func,
    literal_column,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from incidents.errors import InputError, RefusedError

MAX_PAGE = 1_000
SEARCHED_S = 5
"""The seconds after which a search is broken off."""
_MAX_CURSOR = 2_000
_STEPS = 10_000


class BadCursorError(InputError):
    """not a cursor of this list: give the `next` of one of its pages, with the same query"""


class TooCostlyError(RefusedError):
    """nothing was found within {seconds} seconds, the limit for a search: narrow it with a site or
    a state"""


class Page(NamedTuple):
    """Some rows, and the cursor for the next rows; None at the end."""

    rows: list[Mapping[str, Any]]
    next: str | None


def page(
    connection: Connection, query: Select[Any], kind: str, *, limit: int, cursor: str | None
) -> Page:
    """The page of the query, whose order must be unique for each row.

    Raises:
        BadCursorError: if the cursor is not of that `kind` of list.
    """
    try:
        from sqlakeyset import select_page, serialize_bookmark
    except ImportError:
        # A minimal installation has only the command line, which shows the first rows of a list.
        if cursor is not None:
            raise
        first = connection.execute(query.limit(limit)).mappings()
        return Page([dict(row) for row in first], None)
    place = None if cursor is None else _place(cursor, kind, query)
    found = select_page(connection, query, per_page=limit, after=place)
    ahead = serialize_bookmark((found.paging.next[0], False)) if found.paging.has_next else None
    rows: list[Mapping[str, Any]] = [dict(row._mapping) for row in found]  # noqa: SLF001 - how SQLAlchemy calls it
    return Page(rows, None if ahead is None else _cursor(kind, ahead))


def cursor_after(kind: str, place: tuple[Any, ...]) -> str | None:
    """The cursor for the rows after the row with those keys.

    None in a minimal installation, which shows only the first rows of a list.
    """
    try:
        from sqlakeyset import serialize_bookmark
    except ImportError:
        return None

    return _cursor(kind, serialize_bookmark((place, False)))


def counted(connection: Connection, rows: Select[Any], most: int) -> tuple[dict[str, int], bool]:
    """The number of rows of each value of their one column, and whether there may be more.

    The first `most` rows are counted. Raises TooCostlyError if the query takes too long.
    """
    some = rows.limit(literal_int(most)).subquery("some")
    [column] = some.c
    query = select(column, func.count()).group_by(column)
    with time_limit(connection, SEARCHED_S):
        found: dict[str, int] = dict(map(tuple, connection.execute(query)))
    return found, sum(found.values()) >= most


@contextmanager
def time_limit(connection: Connection, seconds: float) -> Iterator[Callable[[], None]]:
    """Limit queries to that many seconds in all; call the yielded function between queries.

    Raises:
        TooCostlyError: if they take longer.
    """
    until = time.monotonic() + seconds

    def in_time() -> None:
        if time.monotonic() > until:
            raise TooCostlyError(seconds=seconds)

    own: Any = connection.connection.dbapi_connection
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        own.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
    else:
        connection.execute(text(f"SET LOCAL statement_timeout = {round(seconds * 1000)}"))
    try:
        yield in_time
    except DBAPIError as error:
        if _is_timeout(error):
            raise TooCostlyError(seconds=seconds) from error
        raise
    finally:
        if sqlite:
            own.set_progress_handler(None, 0)


def _is_timeout(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return "interrupted" in str(error.orig)
    return getattr(error.orig, "sqlstate", None) == "57014"


def _cursor(kind: str, bookmark: str) -> str:
    return base64.urlsafe_b64encode(f"{kind} {bookmark}".encode()).decode().rstrip("=")


def kind_of(cursor: str) -> str:
    """The kind of list that the cursor is of; raises BadCursorError for what is no cursor."""
    return _opened(cursor)[0]


def _opened(cursor: str) -> tuple[str, str]:
    """The kind and the bookmark in a cursor."""
    if len(cursor) > _MAX_CURSOR:
        raise BadCursorError
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        kind, _, bookmark = base64.b64decode(padded, b"-_", validate=True).decode().partition(" ")
    except (ValueError, binascii.Error) as error:
        raise BadCursorError from error
    return kind, bookmark


def _place(cursor: str, kind: str, query: Select[Any]) -> tuple[Any, ...]:
    """The keys in a cursor, each with the type of its column."""
    from sqlakeyset import InvalidPage, unserialize_bookmark

    whose, bookmark = _opened(cursor)
    try:
        place, backwards = unserialize_bookmark(bookmark)
    except (ValueError, InvalidPage, NotImplementedError, LookupError) as error:
        raise BadCursorError from error
    columns = [_column(each) for each in query._order_by_clauses]  # noqa: SLF001 - no other way
    kinds = [each.type.python_type for each in columns]
    fits = place is not None and list(map(type, place)) == kinds
    if whose != kind or backwards or not fits or place is None:
        raise BadCursorError
    if not all(map(_fits_column, place, columns)):
        raise BadCursorError
    return tuple(place)


def _column(clause: ColumnElement[Any]) -> ColumnElement[Any]:
    """The column of an ORDER BY, whose direction has no type."""
    return clause.element if isinstance(clause, UnaryExpression) else clause


def _fits_column(key: Any, column: ColumnElement[Any]) -> bool:
    """Whether the value fits the column, so that a database can search for it."""
    if isinstance(key, int):
        return abs(key) < (2**63 if isinstance(column.type, BigInteger) else 2**31)
    return not isinstance(key, str) or "\0" not in key


SECOND = 1_000_000


def micros(moment: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """A column of times, as microseconds since 1970."""
    if dialect == "sqlite":
        return type_coerce(moment, BigInteger)
    return cast(extract("epoch", moment) * literal_int(SECOND), BigInteger)


def _of_text_on_sqlite(text: ColumnElement[Any]) -> ColumnElement[Any]:
    """Convert a text on SQLite.

    The microseconds are read separately, because SQLite's own function loses them.
    """
    seconds = cast(func.strftime("%s", func.substr(text, 1, 19)), BigInteger)
    fraction = cast("0" + func.rtrim(func.substr(text, 20), "Z"), Float)
    return seconds * literal_int(SECOND) + cast(
        func.round(fraction * literal_int(SECOND)), BigInteger
    )


def micros_of_text(text: ColumnElement[Any], dialect: str) -> ColumnElement[Any]:
    """A time in an entry's text (RFC 3339, in UTC), as microseconds since 1970."""
    if dialect == "sqlite":
        return _of_text_on_sqlite(text)
    return micros(cast(text, DateTime(timezone=True)), dialect)


def whole_units(us: ColumnElement[Any], unit: int) -> ColumnElement[Any]:
    """The number of whole units since 1970; before 1970, division would not round down."""
    return us // literal_int(unit)


def literal_int(n: int) -> ColumnElement[Any]:
    """A number written into the statement.

    PostgreSQL treats two bound numbers in GROUP BY as different expressions, even if they are
    equal.
    """
    return literal_column(str(int(n)), BigInteger)
