"""To read and take orders costs the same however many wait: the index is read as far as needed."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from incidents.store import due_orders, leases
from incidents.store.database.engine import writing
from tests.databases import Databases
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.statements import sent as executed
from tests.store.order_rows import ACT, LEASE, due
from tests.store.test_slice_plans import plan, sent

SITES, EACH = 2_000, 50
MOST = 64

_COUNTED = {
    "sqlite": "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {}) "
    "SELECT n FROM c",
    "postgresql": "SELECT n FROM generate_series(1, {}) AS g(n)",
}
_MOMENT = {"sqlite": "1", "postgresql": "TIMESTAMPTZ '2026-01-01 00:00Z'"}


def let_wait(day: Rehearsal, sites: int, each: int) -> None:
    """So many sites, with so many orders each that are due in the world and in the notices."""
    kind = day.engine.dialect.name
    at, many = _MOMENT[kind], _COUNTED[kind]
    some = f"({many.format(sites)}) s, ({many.format(each)}) o"
    false = "0" if kind == "sqlite" else "false"
    with writing(day.engine) as connection:
        connection.exec_driver_sql(
            "INSERT INTO orders (site_id, site_seq, n, kind, data, created_at)"
            f" SELECT s.n, 10 + o.n, 1, 'suspend', '{{}}', {at} FROM {some}"
        )
        for lane in ("act", "notice"):
            connection.exec_driver_sql(
                "INSERT INTO deliveries (site_id, lane, site_seq, n, kind, dead, since, attempts,"
                f" next_at) SELECT s.n, '{lane}', 10 + o.n, 1, 'suspend', {false}, {at}, 0, {at}"
                f" FROM {some}"
            )


@pytest.fixture(scope="module")
def busy(databases: Databases) -> Iterator[Rehearsal]:
    """100,000 orders that wait in the world."""
    with databases.at_head() as url, rehearsal(url) as day:
        for start in range(0, SITES, 1_000):
            day.add(*(f"s{n}.example" for n in range(start, start + 1_000)))
        let_wait(day, SITES, EACH)
        day.now += timedelta(days=1)
        assert day.rows("SELECT count(*) FROM deliveries WHERE lane = 'act'") == [(100_000,)]
        yield day


def plans(connection: Connection, day: Rehearsal) -> list[str]:
    """How the questions are answered: what is due, from the first and after others, of a site; and
    what can be taken."""
    with sent() as asked:
        first = due(connection, now=day.now, most=MOST)
        further = due(connection, now=day.now, start=first[-1].place, most=MOST)
        ids = [each.site_id for each in first]
        own = due_orders.of_sites(connection, ACT, ids, due_at=day.now)
        taken = leases.claim(connection, "d1", further, now=day.now, lease=LEASE)
    assert sorted(own) == sorted(first)
    assert len({each.site_id for each in taken}) == len(taken) == MOST
    questions = [each for each in asked if each[0].startswith("SELECT")]
    assert len(questions) == 4
    found = [plan(connection, *question) for question in questions]
    if connection.dialect.name == "postgresql":
        found += [_generic(connection, sql) for sql, _ in questions]
    return found


def _generic(connection: Connection, sql: str) -> str:
    """The plan for any parameters, which a server makes after a while."""
    driver: Any = connection.connection.driver_connection
    found = psycopg.ClientCursor(driver).execute(f"EXPLAIN (GENERIC_PLAN) {sql}".encode())
    return "\n".join(str(row[-1]) for row in found.fetchall())


@pytest.mark.parametrize("measured", [False, True], ids=["never measured", "measured"])
def test_with_very_many_waiting_orders_the_index_says_what_is_due_and_in_which_order(
    busy: Rehearsal, measured: bool
) -> None:
    """Whatever the database knows of its tables."""
    with writing(busy.engine) as connection:
        if measured:
            connection.exec_driver_sql("ANALYZE")
        for n, how in enumerate(plans(connection, busy)):
            if n % 4 < 2:
                assert "ix_deliveries_waiting" in how, how
                assert not re.search(r"SCAN|Seq Scan|Sort|TEMP B-TREE", how), how
            assert not re.search(r"SCAN (deliveries|before|orders|sites)|Seq Scan", how), how
            if n % 4 == 2 and connection.dialect.name == "sqlite":
                assert "SEARCH deliveries USING INDEX sqlite_autoindex_deliveries_1" in how, how
        connection.rollback()


def test_what_is_read_grows_with_what_is_taken_and_not_with_what_waits(busy: Rehearsal) -> None:
    """Told by the databases themselves, in steps or in rows. Of a site that has many in a row, one
    is taken, and the others are passed by."""
    with writing(busy.engine) as connection:
        few, many = (_work(connection, busy, most) for most in (8, 64))
        assert few < many < 12 * few
        connection.rollback()
    with busy.engine.connect() as connection:
        total = connection.exec_driver_sql("SELECT count(*) FROM deliveries").scalar_one()
    assert many < total / 10


def _work(connection: Connection, day: Rehearsal, most: int) -> int:
    """What it takes to take so many in hand: SQLite's steps by the hundred, PostgreSQL's rows."""
    own: Any = connection.connection.driver_connection
    steps = [0]

    def step() -> None:
        steps[0] += 1

    switched = executed(day.engine)
    with switched as set_, sent() as asked, connection.begin_nested() as nested:
        if connection.dialect.name == "sqlite":
            own.set_progress_handler(step, 100)
        found = due(connection, now=day.now, most=most)
        leases.claim(connection, "d1", found, now=day.now, lease=LEASE)
        if connection.dialect.name == "sqlite":
            own.set_progress_handler(None, 0)
        nested.rollback()
    if connection.dialect.name == "sqlite":
        return steps[0]
    [setting] = {sql for sql, _ in set_ if sql.startswith("SET")}
    connection.exec_driver_sql(setting)
    rows = 0.0
    for sql, parameters in asked:
        if sql.startswith("SELECT"):
            how = f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}".encode()
            [([explained],)] = psycopg.RawCursor(own).execute(how, parameters).fetchall()
            rows += _rows(explained["Plan"])
    return round(rows)


def _rows(node: dict[str, Any]) -> float:
    own = node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
    return float(own) + sum(_rows(inner) for inner in node.get("Plans", ()))
