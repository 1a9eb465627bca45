"""To take orders in hand costs the same however many wait: the index is read as far as is taken."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from incidents.store import leases
from incidents.store.database.engine import writing
from tests.databases import Databases
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.statements import sent
from tests.store.order_rows import ACT, LEASE

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


@contextmanager
def executed(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """What is asked meanwhile, and what is set for it."""
    found: list[tuple[str, Any]] = []
    with sent(engine) as statements:
        yield found
    found += [each for each in statements if each[0].startswith(("SELECT", "SET"))]


def plans(connection: Connection, day: Rehearsal) -> list[str]:
    """How the two questions are answered: whether anything is due, and what can be taken."""
    with executed(day.engine) as asked:
        assert leases.any_due(connection, ACT, day.now)
        taken = leases.claim(connection, "d1", ACT, now=day.now, lease=LEASE, most=MOST)
    assert len({each.site_id for each in taken}) == len(taken) == MOST
    questions = [each for each in asked if each[0].startswith("SELECT")]
    assert len(questions) == 2
    how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
    return [
        "\n".join(str(row[-1]) for row in connection.exec_driver_sql(f"{how} {sql}", parameters))
        for sql, parameters in questions
    ]


@pytest.mark.parametrize("measured", [False, True], ids=["never measured", "measured"])
def test_with_very_many_waiting_orders_the_index_says_what_is_due_and_in_which_order(
    busy: Rehearsal, measured: bool
) -> None:
    """Whatever the database knows of its tables."""
    with writing(busy.engine) as connection:
        if measured:
            connection.exec_driver_sql("ANALYZE")
        for plan in plans(connection, busy):
            assert "ix_deliveries_waiting" in plan, plan
            assert not re.search(r"SCAN|Seq Scan|Sort|TEMP B-TREE", plan), plan
        connection.rollback()


def test_what_was_let_go_is_found_by_its_number_among_very_many_that_wait(busy: Rehearsal) -> None:
    with writing(busy.engine) as connection:
        own = leases.claim(connection, "d1", ACT, now=busy.now, lease=LEASE, most=MOST)
        for each in own:
            assert leases.postpone(connection, each, busy.now, tried=False)
        keys = [each.key for each in own]
        with executed(busy.engine) as asked:
            taken = leases.reclaim(connection, "d1", keys, now=busy.now, lease=LEASE)
        assert [each.key for each in taken] == keys
        [(sql, parameters)] = asked
        how = "EXPLAIN QUERY PLAN" if connection.dialect.name == "sqlite" else "EXPLAIN"
        rows = connection.exec_driver_sql(f"{how} {sql}", parameters)
        plan = "\n".join(str(row[-1]) for row in rows)
        assert not re.search(r"SCAN (deliveries|before|orders)|Seq Scan", plan), plan
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

    with executed(day.engine) as asked, connection.begin_nested() as nested:
        if connection.dialect.name == "sqlite":
            own.set_progress_handler(step, 100)
        leases.claim(connection, "d1", ACT, now=day.now, lease=LEASE, most=most)
        if connection.dialect.name == "sqlite":
            own.set_progress_handler(None, 0)
        nested.rollback()
    if connection.dialect.name == "sqlite":
        return steps[0]
    ((setting, none), (sql, parameters)) = asked
    connection.exec_driver_sql(setting, none)
    how = "EXPLAIN (ANALYZE, FORMAT JSON)"
    (plan,) = connection.exec_driver_sql(f"{how} {sql}", parameters).scalar_one()
    return round(_rows(plan["Plan"]))


def _rows(node: dict[str, Any]) -> float:
    own = node["Actual Rows"] * node["Actual Loops"] + node.get("Rows Removed by Filter", 0)
    return float(own) + sum(_rows(inner) for inner in node.get("Plans", ()))
