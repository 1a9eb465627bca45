"""What people see of reports costs the same however many there are, and whatever they name."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import text

from incidents.desk import Envelope
from incidents.inbox import address_book
from incidents.machine import commands as c
from incidents.record.report_events import ReportJoined
from incidents.store.database.engine import reading, writing
from incidents.store.inbox import address_book as book
from incidents.views.inbox.reports import ReportFilter, counts_by_state, page, report
from incidents.views.inbox.sealed_files import sealed_evidence
from tests.desk.report_acts import dismiss, incoming, lead, receive, reopen
from tests.statements import sent
from tests.views.day import Day

pytestmark = pytest.mark.both_databases

SORTS = "USE TEMP B-TREE"


def plans(
    day: Day, act: Callable[[Any], object], of: tuple[str, ...] = ("reports.id", "LIMIT")
) -> list[str]:
    """How the database finds the reports for each statement that asks for their numbers."""
    with sent(day.engine) as statements, reading(day.engine) as connection:
        act(connection)
    asked = [each for each in statements if all(word in each[0] for word in of)]
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


def test_a_report_that_names_a_thousand_addresses_is_looked_up_once_and_to_a_limit(
    day: Day,
) -> None:
    addresses = [f"2001:db8:{n:x}::{n:x}" for n in range(1_000)]
    rows = [
        {"address": each, "host": None, "url": None, "category": None, "seen_at": None}
        for each in addresses
    ]
    endpoints = [{"address": each, "port": None, "seen_at": None} for each in addresses]
    receive(day, incoming("1" * 64, reading={"endpoints": endpoints, "rows": rows}))
    with writing(day.engine) as connection:
        lines = ["customer,site,address", "one,one.example,2001:db8::/32"]
        book.save(connection, address_book.read(lines))

    with sent(day.engine) as statements, reading(day.engine) as connection:
        found = report(connection, 1)
    of_book = [given for sql, given in statements if "FROM holdings" in sql]

    assert len(of_book) < 12
    assert sum(len(given) for given in of_book) < 6_000
    assert len(found["findings"]) == 1_000
    assert found["findings"][0]["candidates"] == found["candidates"] == ["one.example"]
    assert [each["site"] for each in found["held"]] == ["one.example"]
    # Not by a wide network that an earlier one is in, too: a narrower one may be somebody else's.
    assert found["findings"][-1]["candidates"] == []


def test_the_sealed_files_of_an_incident_are_found_by_indexes_however_many_were_reopened(
    day: Day,
) -> None:
    digests = [f"{n:064x}" for n in range(6)]
    receive(day, *map(incoming, digests))
    day.add("a.example").do(c.Log(by="li", category="spam"), "a.example")

    def statements() -> int:
        with sent(day.engine) as found, reading(day.engine) as connection:
            assert sealed_evidence(connection, (1, 1), digests) == set()
        return len(found)

    def join(report: int) -> None:
        attach = c.Attach(by="li", incident=1, digest=digests[report - 1], size=10)
        envelope = Envelope(site="a.example", command=attach)
        day.desk.submit([envelope], sequel=lead(day, ReportJoined, report))

    for n in (1, 2):
        join(n)
    reopen(day, 1)
    before = statements()
    for n in (3, 4, 5):
        join(n)
        reopen(day, n)
    found = plans(
        day, lambda each: sealed_evidence(each, (1, 1), digests), of=("report_incidents",)
    )

    assert statements() == before
    assert [each for each in found if "Seq Scan" in each or "SCAN report" in each] == []
