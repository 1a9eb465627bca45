"""The planner switches are those of transactions that write; reports and views plan freely."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import IntegrityError

from incidents.store import entries
from incidents.store.database.engine import reading, single_query, writing
from tests.store.conftest import Opener

SWITCHES = (
    "plan_cache_mode", "max_parallel_workers_per_gather", "enable_bitmapscan", "enable_hashjoin",
    "enable_mergejoin", "enable_seqscan",
)  # fmt: skip
BY_KEYS = ("force_generic_plan", "0", "off", "off", "off", "off")
FREE = ("auto", "2", "on", "on", "on", "on")


@pytest.fixture
def engine(opened: Opener, postgresql_url: str) -> Engine:
    return opened(postgresql_url)


def _switches(connection: Connection) -> tuple[str, ...]:
    return tuple(connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in SWITCHES)


def _look(connection: Connection) -> tuple[str, ...]:
    """Sends a statement of the desk's; the switches are those under which it was planned."""
    assert entries.values(connection, ["sha256:0"]) == {}
    return _switches(connection)


@contextmanager
def _plainly(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


_READERS = (reading, single_query, _plainly)


def test_only_a_transaction_that_writes_looks_up_by_keys(engine: Engine) -> None:
    """In turn on one connection, as a pool gives it out."""
    for reader in _READERS:
        with writing(engine) as connection:
            assert _look(connection) == BY_KEYS
        with reader(engine) as connection:
            assert _switches(connection) == FREE
            assert _look(connection) == FREE
    assert engine.pool.checkedin() == 1  # type: ignore[attr-defined]


def test_a_transaction_that_some_other_statement_began_looks_up_by_keys_too(engine: Engine) -> None:
    for _ in range(2):
        with writing(engine) as connection:
            connection.execute(text("SELECT 1"))
            assert _look(connection) == BY_KEYS


def test_a_transaction_that_failed_leaves_no_switch_behind(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as connection:
            assert _look(connection) == BY_KEYS
            connection.execute(text("INSERT INTO desk SELECT * FROM desk"))

    with pytest.raises(IntegrityError):
        fail()
    for reader in _READERS:
        with reader(engine) as connection:
            assert _look(connection) == FREE


@pytest.mark.parametrize("first", ["reads", "writes"])
def test_no_plan_of_a_reader_serves_a_writer_or_the_other_way_round(
    engine: Engine, first: str
) -> None:
    """A plan is kept with the statement, whatever the switches are later."""
    for opened in (reading, writing) if first == "reads" else (writing, reading):
        with opened(engine) as connection:
            _look(connection)
    with engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
            " WHERE statement LIKE '%%sealed%%' ORDER BY generic_plans"
        )
        assert [tuple(row) for row in kept] == [(0, 1), (1, 0)]
