"""The sample data: a record like any other, a tidy queue, and something due at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from incidents import views
from incidents.demo import sample, scenario
from incidents.filing.checks import Completeness, completeness
from incidents.store.database.engine import reading
from incidents.values.site_name import shown
from tests.desk.rehearsal import Rehearsal, rehearsal

MINUTE = timedelta(minutes=1)
END = datetime.fromisoformat("2026-11-17T22:41:07+08:00")


@pytest.fixture
def desk(sqlite_url: str) -> Iterator[Rehearsal]:
    """A desk with the sample data, at its end."""
    with rehearsal(sqlite_url, END) as day:
        sample.play(day.engine, END, "desk", more=True)
        yield day


def test_its_filings_are_complete_due_soon_and_overdue(desk: Rehearsal) -> None:
    with reading(desk.engine) as connection:
        found = [
            (
                shown(term["site"]),
                term["term"],
                (date.fromisoformat(term["due_on"]) - END.date()).days,
            )
            for term in views.filing_terms(connection, None)
        ]
        filed = views.filing_details(connection, "school.example")
    assert found == [
        ("茶馆.example", "file", -3), ("mail.example", "show_number", 6),
        ("花店.example", "file", 10),
    ]  # fmt: skip
    assert completeness(filed) == Completeness(score=100, missing=())


def test_customers_and_the_desk_were_told_in_time(desk: Rehearsal) -> None:
    def entries(text: str) -> int:
        [(found,)] = desk.rows(f"SELECT count(*) FROM entries WHERE body LIKE '%{text}%'")
        return int(str(found))

    assert entries("no_channel") == 0
    assert entries('"adapter":"notices"') > 50
    assert entries('"adapter":"alarms"') > 0
    # Only what came in the last minutes is left for the daemon to send.
    waiting = desk.rows("SELECT lane FROM deliveries")
    assert 0 < len(waiting) < 6
    assert {lane for (lane,) in waiting} == {"notice"}


def test_its_record_its_queue_and_what_falls_due_are_those_of_a_desk(desk: Rehearsal) -> None:
    # The tables follow from the record, and nothing in it is from the future.
    assert desk.findings() == []
    [(newest,)] = desk.rows("SELECT max(recorded_at) FROM entries")
    assert int(str(newest)) <= END.timestamp() * 1_000_000

    # Of the month nothing is left; of the last day each kind of work is.
    with reading(desk.engine) as connection:
        found = views.queue(connection, END, limit=1_000)
    kinds = Counter(item["kind"] for item in found["items"])
    assert kinds.keys() >= {
        "call", "keep_calling", "recheck", "check_removal", "disputed", "reinstatement"
    }  # fmt: skip
    told = scenario._PEOPLE | scenario._MORE_PEOPLE
    assert {item["person"] for item in found["items"]} <= {person for person, *_ in told.values()}

    # A visitor sees four sites go down and one come back within the first minute and a half.
    rows = [(name, state) for name, state in desk.rows("SELECT name, state FROM sites")]
    states = dict(rows)
    desk.later(minutes=90)
    desk.elapse()
    changed = Counter(
        (was, now)
        for name, now in desk.rows("SELECT name, state FROM sites")
        if (was := states[name]) != now
    )
    assert changed == {
        ("active", "suspended"): 3, ("active", "closed"): 1, ("suspended", "active"): 1
    }  # fmt: skip
