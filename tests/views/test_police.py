"""The incidents to report to the police: by deadline, and counted."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from incidents.contract.documents.queue import Duty, DutySummary
from incidents.machine import commands as c
from incidents.settings.police import ReportDuty
from incidents.store.database.engine import writing
from incidents.store.schema.tables import incidents
from incidents.views.queue import police
from tests.views.day import SITE, Day, utc

DUTY = ReportDuty()


@pytest.fixture
def told(day: Day) -> Day:
    """Three incidents an hour from each other, and one from before that was reported."""
    day.add().add("b.example").log().do(c.StateReported(by="li", incident=1, note="receipt 7"))
    return day.at("11:00").log("b.example").at("12:00").log().at("13:00").log("b.example")


def owed(day: Day, report: ReportDuty = DUTY, **how: Any) -> list[Duty]:
    with day.reading() as connection:
        return police.duties(connection, day.now, report, **how)["items"]


def summary(day: Day, report: ReportDuty = DUTY) -> DutySummary:
    with day.reading() as connection:
        return police.summary(connection, day.now, report)


def deadline(day: Day, n: int, site_id: int = 1) -> Any:
    with day.reading() as connection:
        return police.deadline_of(connection, (site_id, n), DUTY)


def test_the_first_deadline_comes_first(told: Day) -> None:
    assert [each["incident"] for each in owed(told)] == ["2-1", "1-2", "2-2"]
    assert [each["incident"] for each in owed(told, limit=2)] == ["2-1", "1-2"]


def test_each_says_by_when_and_whether_that_has_passed(told: Day) -> None:
    told.at("03-02 11:00:01")

    first, second, _ = owed(told)

    assert first == {
        "incident": "2-1",
        "site": "b.example",
        "state": "unreached",
        "category": None,
        "recorded_at": "2026-03-01T11:00:00Z",
        "due": "2026-03-02T11:00:00Z",
        "overdue": True,
        "left_s": -1,
    }
    assert (second["overdue"], second["left_s"]) == (False, 3_599)


def test_at_the_very_deadline_it_is_still_in_time(told: Day) -> None:
    told.at("03-02 11:00:00")
    assert (summary(told)["due"], summary(told)["overdue"]) == (3, 0)
    assert not owed(told)[0]["overdue"]

    told.at("03-02 11:00:01")
    assert (summary(told)["due"], summary(told)["overdue"]) == (2, 1)


def test_the_summary_names_the_first(told: Day) -> None:
    assert summary(told) == {
        "due": 3,
        "overdue": 0,
        "capped": False,
        "first": "2026-03-02T11:00:00Z",
        "first_incident": "2-1",
        "within_s": 86_400,
    }


def test_where_nothing_is_owed_it_says_so(day: Day) -> None:
    assert owed(day) == []
    found = summary(day)
    assert (found["due"], found["overdue"], found["first"], found["first_incident"]) == (
        0, 0, None, None,
    )  # fmt: skip


def test_what_is_voided_or_brought_in_from_elsewhere_is_not_owed(day: Day) -> None:
    day.add().log().do(c.VoidIncident(by="li", incident=1, reason="slip"))
    day.do(c.ImportIncident(by="li", at=utc("02-01 10:00")))

    assert owed(day) == []
    assert deadline(day, 1) is None
    assert deadline(day, 2) is None


def test_what_is_removed_or_found_on_a_closed_site_is_owed_all_the_same(day: Day) -> None:
    day.add().log().contact(1).do(c.StateRemoved(by="li", incident=1))
    for _ in range(3):
        day.log()
    assert day.site()["state"] == "closed"
    day.log()

    assert [each["incident"] for each in owed(day)] == ["1-1", "1-2", "1-3", "1-4", "1-5"]


def test_the_deadline_counts_from_the_recording_and_not_from_when_it_happened(day: Day) -> None:
    day.add().log(at=utc("02-20 10:00"))

    assert deadline(day, 1) == utc("03-02 10:00")


def test_the_deadline_goes_when_it_is_reported(day: Day) -> None:
    day.add().log()
    assert deadline(day, 1) == utc("03-02 10:00")
    assert deadline(day, 2) is None

    day.do(c.StateReported(by="li", incident=1))

    assert deadline(day, 1) is None


def test_counting_stops_at_a_thousand(day: Day) -> None:
    day.add().log()
    with writing(day.engine) as connection:
        row = dict(connection.execute(incidents.select()).mappings().one())
        connection.execute(insert(incidents), [{**row, "n": n} for n in range(2, 1_201)])

    found = summary(day)
    later = summary(day.at("03-02 10:00:01"))

    assert (found["due"], found["overdue"], found["capped"]) == (1_000, 0, True)
    assert (later["due"], later["overdue"], later["capped"]) == (0, 1_000, True)


def test_more_than_a_thousand_are_never_listed(day: Day) -> None:
    day.add().log()
    with writing(day.engine) as connection:
        row = dict(connection.execute(incidents.select()).mappings().one())
        connection.execute(insert(incidents), [{**row, "n": n} for n in range(2, 1_101)])

    assert len(owed(day, limit=5_000)) == 1_000


def test_another_time_within_which_to_report_moves_all_deadlines(told: Day) -> None:
    short = ReportDuty(within=timedelta(hours=1), remind=())
    told.at("13:00:01")

    assert summary(told, short)["overdue"] == 2
    assert owed(told, short)[0]["due"] == "2026-03-01T12:00:00Z"
    assert owed(told, short)[0]["site"] == "b.example" != SITE
