"""The page of the reports that wait costs the same however many there are."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from incidents.store.database.engine import reading, writing
from incidents.views.inbox.reports import ReportFilter, counts_by_state, page
from tests.desk.report_acts import dismiss, incoming, receive
from tests.statements import sent
from tests.views.day import Day

pytestmark = pytest.mark.both_databases

SORTS = "USE TEMP B-TREE"


def plans(day: Day, act: Callable[[Any], object]) -> list[str]:
    """How the database finds the reports for each statement that asks for their numbers."""
    with sent(day.engine) as statements, reading(day.engine) as connection:
        act(connection)
    asked = [each for each in statements if "reports.id" in each[0] and "LIMIT" in each[0]]
    assert asked
    with reading(day.engine) as connection:
        explain = "EXPLAIN QUERY PLAN"
        if connection.dialect.name == "postgresql":
            # So few rows are sorted and read whole faster than they are read in order.
            connection.execute(text("SET LOCAL enable_sort = off"))
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            explain = "EXPLAIN"
        return [
            str(connection.exec_driver_sql(f"{explain} {sql}", given).all()) for sql, given in asked
        ]


def measure(day: Day) -> None:
    """Let the database count what it has, as PostgreSQL does by itself and SQLite if told."""
    with writing(day.engine) as connection:
        connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("counted", [False, True], ids=["not counted", "counted"])
def test_the_reports_that_wait_are_read_in_their_order_and_never_sorted(
    day: Day, counted: bool
) -> None:
    receive(day, *(incoming(f"{n:064x}") for n in range(40)))
    for n in range(1, 20):
        dismiss(day, n)
    if counted:
        measure(day)
    with reading(day.engine) as connection:
        found = page(connection, ReportFilter(waiting=True), limit=10)
    [plan] = plans(day, lambda each: page(each, ReportFilter(waiting=True), limit=10))

    assert [each["id"] for each in found["items"]] == [f"r{n}" for n in range(20, 30)]
    assert "ix_reports_waiting" in plan
    assert SORTS not in plan


@pytest.mark.parametrize(
    "wanted",
    [
        {"category": "phishing"}, {"format": "arf"}, {"channel": "api"}, {"state": "new"},
        {"host": "shop.example"}, {"reporter": "abuse@reporter.example"},
    ],
    ids=lambda wanted: next(iter(wanted)),
)  # fmt: skip
def test_no_search_reads_the_reports_that_it_does_not_find(
    day: Day, wanted: Mapping[str, Any]
) -> None:
    receive(day, *(incoming(f"{n:064x}") for n in range(40)))
    found = ReportFilter(**wanted)
    of_page = plans(day, lambda each: page(each, found, limit=10, newest=True))
    of_counts = plans(day, lambda each: counts_by_state(each, found))

    scans = [plan for plan in [*of_page, *of_counts] if "SCAN reports" in plan or "Seq" in plan]
    assert scans == []
