"""The list of incidents reads by an index: the last ones, those of a state, those in the queue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from incidents.views.incident_list import (
    IncidentFilter,
    all_incidents,
    counts_by_state,
    incidents_page,
)
from tests.statements import sent
from tests.views.day import Day


def plan(day: Day, wanted: IncidentFilter, count: Any = None) -> str:
    """How SQLite reads the incidents of the first statement of the page, or of the counts."""
    with sent(day.engine) as statements, day.reading() as connection:
        if count is None:
            incidents_page(connection, wanted, limit=50, order="newest")
        else:
            counts_by_state(connection, wanted)
    statement, parameters = next(each for each in statements if "FROM incidents" in each[0])
    with day.reading() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return "\n".join(row[-1] for row in found)


@pytest.fixture
def busy(day: Day) -> Day:
    """Incidents of two sites, in an order that is not that of the sites."""
    day.add().add("b.example")
    return day.log("b.example").after("1m").log().after("1m").log("b.example")


def test_the_last_incidents_are_read_and_counted_by_an_index(busy: Day) -> None:
    for wanted in (IncidentFilter(), IncidentFilter(state="refused")):
        assert "ix_incidents_recorded_at" in plan(busy, wanted)
    assert "ix_incidents_recorded_at" in plan(busy, IncidentFilter(), count=True)
    due = plan(busy, IncidentFilter(due_before=busy.now))
    assert "ix_work_queue (sort_due<?)" in due


@pytest.mark.both_databases
def test_all_incidents_come_in_parts_the_newest_first(busy: Day) -> None:
    with busy.reading() as connection:
        parts = list(all_incidents(connection, IncidentFilter(), at_once=2))
        since = IncidentFilter(since=busy.now - timedelta(seconds=90))
        assert counts_by_state(connection, since) == ({"open": 2}, False)
        assert counts_by_state(connection, IncidentFilter(state="removed")) == ({"open": 3}, False)
    assert [[each["id"] for each in part] for part in parts] == [["2-2", "1-1"], ["2-1"]]
