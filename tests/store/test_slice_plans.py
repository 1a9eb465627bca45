"""The queries of a slice are served by their indexes, whatever the length of the history."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection

from incidents.machine import commands as c
from incidents.store import round_trip
from incidents.store.cases import cases, sites, slices
from incidents.store.database.engine import writing
from tests.desk.rehearsal import Rehearsal, rehearsal

COMMANDS = (
    c.Log(by="li"),
    c.VoidIncident(by="li", incident=1, reason="slip"),
    c.RecordContact(by="li", incident=None, outcome="reached"),
    c.Approve(by="li"),
    c.CancelOrder(by="li", order=4, lane="notice", why="by_hand"),
)


@pytest.fixture
def busy(db_url: str) -> Iterator[Rehearsal]:
    """A suspended site with a running clock, one closed by R3, and one by R1."""
    with rehearsal(db_url) as day:
        day.add("a.example", "b.example", "d.example")
        for _ in range(3):
            day.give(c.Log(by="li"), "b.example")
            day.later(hours=14)
            day.elapse()
            day.later(hours=14)
            day.elapse()
        for _ in range(3):
            day.give(c.Log(by="li"), "d.example")
        day.give(c.Log(by="li"))
        day.later(hours=2)
        day.give(c.Log(by="li"))
        states = day.rows("SELECT state FROM sites ORDER BY id")
        assert states == [("suspended",), ("closed",), ("closed",)]
        yield day


@contextmanager
def sent() -> Iterator[list[tuple[str, Any]]]:
    """Each statement that is sent meanwhile, with its parameters."""
    found: list[tuple[str, Any]] = []
    send = round_trip.send

    def note(connection: Connection, sql: str, parameters: Any, *rest: Any) -> None:
        found.append((sql, parameters))
        send(connection, sql, parameters, *rest)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("incidents.store.statement.send", note)
        yield found


def _plans(connection: Connection, day: Rehearsal) -> dict[str, str]:
    """The plan of each query that loading these sites sends."""
    with sent() as queries:
        rows = sites.lock(connection, [1, 2, 3])
        needs = {id_: slices.need(COMMANDS, day.now) for id_ in rows}
        cases.load(connection, rows, needs, day.desk.policy())
    return {sql: plan(connection, sql, parameters) for sql, parameters in queries}


def plan(connection: Connection, sql: str, parameters: Any) -> str:
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        found = driver.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
    else:
        found = psycopg.RawCursor(driver).execute(f"EXPLAIN {sql}".encode(), parameters)
    return "\n".join(str(row[-1]) for row in found.fetchall())


def test_no_query_of_a_slice_reads_a_whole_table(busy: Rehearsal) -> None:
    with writing(busy.engine) as connection:
        if busy.engine.dialect.name == "postgresql":
            # Of a table with three rows it would rather read all than ask an index.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
        plans = _plans(connection, busy)
    assert len(plans) >= 14
    text = "\n".join(plans.values())
    names = "sites|incidents|near|contacts|tasks|claims|suspensions|evidence|deliveries"
    whole = rf"SCAN ({names})|Seq Scan on (?!desk)"
    assert not re.search(whole, text), text
    for index in ("unsettled", "countable", "in_time", "unlisted", "member"):
        assert f"ix_incidents_{index}" in text, text
    for index in ("ix_suspensions_run", "uq_suspensions_running", "ix_tasks_open"):
        assert index in text, text


def test_the_number_of_queries_is_the_same_whatever_the_number_of_sites(busy: Rehearsal) -> None:
    def queries(ids: list[int]) -> int:
        with writing(busy.engine) as connection, sent() as asked:
            rows = sites.lock(connection, ids)
            needs = {id_: slices.need(COMMANDS, busy.now) for id_ in rows}
            cases.load(connection, rows, needs, busy.desk.policy())
        return len(asked)

    names = [f"s{n}.example" for n in range(50)]
    busy.add(*names)
    many = [id_ for (id_,) in busy.rows("SELECT id FROM sites") if isinstance(id_, int)]
    assert queries(many) == queries([1, 2, 3]) <= 30
