"""An array reaches PostgreSQL as it was, whatever is in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Integer, LargeBinary, Text, bindparam, select
from sqlalchemy.exc import DataError
from sqlalchemy.types import Boolean, TypeEngine

from incidents.store.database import engine as engines
from incidents.store.schema.types import Number, UTCDateTime, Word
from incidents.store.statement import Query

# PostgreSQL stores no NUL, and nobody can write half a character.
_TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
_TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_COLUMNS: dict[str, tuple[TypeEngine[Any], st.SearchStrategy[Any]]] = {
    "number": (Number, st.integers(-(2**63), 2**63 - 1)),
    "small": (Integer(), st.integers(-(2**31), 2**31 - 1)),
    "word": (Word, _TEXTS),
    "text": (Text(), _TEXTS),
    "bytes": (LargeBinary(), st.binary()),
    "time": (UTCDateTime(), _TIMES),
    "flag": (Boolean(), st.booleans()),
}
_rows = st.lists(st.tuples(*(st.none() | each for _, each in _COLUMNS.values())), min_size=1)
_SENT = Query[tuple[Any, ...]](
    lambda given: select(*given.c, bindparam("own", type_=Integer).label("own")),
    tuple,
    **{name: kind for name, (kind, _) in _COLUMNS.items()},
)


@pytest.fixture
def connection(postgresql_url: str) -> Iterator[Connection]:
    """A transaction on PostgreSQL."""
    engine = engines.create(postgresql_url)
    with engines.reading(engine) as connection:
        yield connection
    engine.dispose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=_rows)
def test_each_value_comes_back(connection: Connection, rows: list[tuple[Any, ...]]) -> None:
    found = _SENT.fetch(connection, rows, own=7).all()

    assert found == [(*row, 7) for row in rows]


@pytest.mark.parametrize(
    "text", ['"', "\\", 'a"b', "a\\b", "\n\t\x1f", "NULL", "{}", "", ",", " a "]
)
def test_what_means_something_in_an_array_is_text(connection: Connection, text: str) -> None:
    row = (1, 1, text, f"a{text}", b"\\x", datetime(2026, 1, 1, tzinfo=UTC), True)

    for rows in ([row], [row, row]):
        assert _SENT.fetch(connection, rows, own=7).all() == [(*each, 7) for each in rows]


@pytest.mark.parametrize("rows", [1, 2])
def test_a_nul_is_refused_and_cuts_nothing_off(connection: Connection, rows: int) -> None:
    row = (1, 1, "a", "a\0b", b"", datetime(2026, 1, 1, tzinfo=UTC), True)

    with pytest.raises(DataError):
        _SENT.fetch(connection, [row] * rows, own=7)
