"""The terms of filings in the queue: overdue ones first, after all work on incidents."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from incidents import views
from incidents.contract.queue_filter import QueueFilter
from incidents.locale.language import ENGLISH
from incidents.locale.words import TimeFormat
from incidents.machine import commands as c
from incidents.views.queue import queue_filter
from tests.views.day import Day

OPENED = {"b.example": "2026-01-31", "c.example": "2026-01-20", "d.example": "2026-01-30"}
"""The days on which the sites were opened: 29, 40 and 30 days before the first of March."""

FILINGS = ["3-t1", "4-t1", "2-t1"]


@pytest.fixture
def filings(day: Day) -> Day:
    """A call with 59 minutes left, an item without a clock, and three terms to file."""
    day.add()
    for name, opened in OPENED.items():
        day.add(name).do(c.ChangeFiling(by="li", details=(("opened_on", opened),)), name)
        day.do(c.Remind(on="2026-03-01"), name)
    return day.log().contact(1).after("1m").log()


def page(day: Day, **wanted: Any) -> Any:
    how = {name: wanted.pop(name) for name in ("limit", "after", "when") if name in wanted}
    with day.reading() as connection:
        return views.queue(connection, day.now, wanted=QueueFilter(**wanted), **how)


def ids(day: Day, **wanted: Any) -> list[str]:
    return [each["id"] for each in page(day, **wanted)["items"]]


@pytest.mark.both_databases
def test_overdue_terms_come_first_among_filings_and_say_so(filings: Day) -> None:
    found = page(filings)["items"]
    assert [each["id"] for each in found] == ["1-2", "1-1", *FILINGS]
    told = [(each["due"], each["overdue"], each["left_s"]) for each in found[2:]]
    assert told == [
        ("2026-02-20T00:00:00Z", True, -9 * 86_400 - 36_060),
        ("2026-03-02T00:00:00Z", False, 86_400 - 36_060),
        ("2026-03-03T00:00:00Z", False, 2 * 86_400 - 36_060),
    ]


@pytest.mark.both_databases
def test_filters_of_the_deadline_find_the_terms_and_count_them(filings: Day) -> None:
    for hours, found in ((0, FILINGS[:1]), (1.01, ["1-2", "3-t1"]), (24, ["1-2", *FILINGS[:2]])):
        due = {"due_before": filings.now + timedelta(hours=hours)}
        assert sorted(ids(filings, **due)) == sorted(found), hours
        assert sorted(ids(filings, **due, state="active")) == sorted(found), hours
        assert page(filings, **due)["counts"].get("file") == len(
            [each for each in found if each in FILINGS]
        )
    # The moment at which a last day ends is not before itself.
    midnight = filings.at("03-02 00:00").now
    assert ids(filings, due_before=midnight, kind="file") == FILINGS[:1]
    assert not next(each for each in page(filings)["items"] if each["id"] == "4-t1")["overdue"]
    assert ids(filings.after("1s"), due_before=filings.now, kind="file") == FILINGS[:2]


@pytest.mark.both_databases
def test_the_last_day_ends_in_the_readers_zone(filings: Day) -> None:
    when = TimeFormat(zone=ZoneInfo("Asia/Shanghai"), now=filings.now, language=ENGLISH)
    found = page(filings, when=when, kind="file")["items"]
    assert [each["due"] for each in found] == [
        "2026-02-19T16:00:00Z", "2026-03-01T16:00:00Z", "2026-03-02T16:00:00Z",
    ]  # fmt: skip
    filings.at("03-01 16:00:01")
    assert ids(filings, when=when, due_before=filings.now, kind="file") == FILINGS[:2]
    with filings.reading() as connection:
        one = views.item(connection, filings.now, (4, "t1"), when=when)
    assert one is not None
    assert (one["due"], one["overdue"]) == ("2026-03-01T16:00:00Z", True)


@pytest.mark.both_databases
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_the_pages_go_on_where_the_one_before_ended(filings: Day, limit: int) -> None:
    filings.do(c.RecordFooter(problems=("none",)), "b.example")
    for wanted in ({}, {"state": "active"}):
        whole, found, after = ids(filings, **wanted), [], None
        while True:
            part = page(filings, limit=limit, after=after, **wanted)
            found += [each["id"] for each in part["items"]]
            after = part["next_after"]
            if after is None:
                break
        assert found == whole
        assert whole[2:5] == FILINGS


@pytest.mark.both_databases
def test_a_filter_reads_so_many_terms_and_then_goes_on(
    filings: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_filter, "MAX_READ", 2)
    found, after = [], None
    while True:
        part = page(filings, kind="file", after=after)
        found.append([each["id"] for each in part["items"]])
        after = part["next_after"]
        if after is None:
            break
    assert found == [[], FILINGS[:2], FILINGS[2:]]


def test_an_index_gives_the_order_of_the_terms_however_many_there_are(filings: Day) -> None:
    statements = filings.statements(lambda: page(filings, limit=7))
    [terms] = [each for each in statements if "FROM filing_terms JOIN" in each]
    with filings.reading() as connection:
        rows = connection.exec_driver_sql(
            f"EXPLAIN QUERY PLAN {terms}", ("", "9999-12-31", 0)
        ).all()
    plan = "\n".join(str(row[-1]) for row in rows)
    assert "SEARCH filing_terms USING INDEX ix_filing_terms_due (due_on>? AND due_on<?)" in plan
    assert "SEARCH work USING" in plan
    assert "LAST 3 TERMS OF ORDER BY" in plan, plan
