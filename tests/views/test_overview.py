"""The overview: its numbers are those of the record, in the days of the desk's zone."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from sqlalchemy import event, select

from incidents.clock import read_rfc3339
from incidents.contract.documents.overview import Overview
from incidents.machine import commands as c
from incidents.machine import events as e
from incidents.record.entry import decode
from incidents.store.schema.desk_tables import entries
from incidents.views.figures import overview as views
from incidents.views.figures.last_day import RULES
from tests import whole_cases
from tests.views.day import Day, utc

pytestmark = pytest.mark.both_databases

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOSTILE = "'); DROP TABLE sites; --<script>"
CATEGORIES = [None, "赌博", "gambling", HOSTILE, *(f"kind {n}" for n in range(8))]


def look(day: Day, zone: ZoneInfo = SHANGHAI) -> Overview:
    with day.reading() as connection:
        return views.overview(connection, day.now, zone)


def series(found: Overview) -> dict[tuple[bool, str | None], list[int]]:
    return {(s["other"], s["category"]): s["counts"] for s in found["violations"]["categories"]}


def days_of(found: Overview) -> list[str]:
    zone = ZoneInfo(found["zone"])
    moments = map(read_rfc3339, found["begins"])
    return [moment.astimezone(zone).date().isoformat() for moment in moments]


def told(day: Day) -> list[e.Event]:
    with day.reading() as connection:
        bodies = connection.scalars(select(entries.c.body).order_by(entries.c.id)).all()
    return [decode(body)[1] for body in bodies]


def a_month(day: Day, seed: int, acts: int = 90) -> None:
    """Five weeks at a desk, over a change of clocks in Europe, with a clock that is often late.

    With fewer acts, fewer weeks.
    """
    random = Random(seed)
    day.at("03-02 10:00")
    sites = [f"s{n}.example" for n in range(6)]
    for site in sites:
        day.add(site)
    incidents = Counter[str]()
    for _ in range(acts):
        day.after(f"{random.randint(1, 16 * 3600)}s")
        if random.random() < 0.7:
            day.elapse()
        site = random.choice(sites)
        if incidents[site] and day.site(site)["state"] == "closed":
            continue
        at = day.now - timedelta(minutes=random.choice([0, 0, 1, 600, 4_000]))
        day.log(site, category=random.choice(CATEGORIES), at=at)
        incidents[site] += 1
        n = incidents[site]
        match random.randint(0, 7):
            case 0 | 1 | 6 | 7:
                day.after(f"{random.randint(1, 3_500)}s").contact_of(site, n)
            case 2:
                day.after("7m").contact_of(site, n).after("5m")
                day.do(c.VoidContact(by="li", incident=n, contact=1, reason="slip"), site)
            case 3:
                day.after("3h").elapse()
            case 4:
                day.do(c.VoidIncident(by="li", incident=n, reason="slip"), site)
            case _:
                pass


ZONES = ("Asia/Shanghai", "Asia/Kathmandu", "Europe/Berlin")


def test_a_month_is_what_the_record_says_of_it_in_each_zone(day: Day) -> None:
    a_month(day, seed=14)
    for zone in map(ZoneInfo, ZONES):
        _is_what_the_record_says(look(day, zone), Naive(day, zone))


def _is_what_the_record_says(found: Overview, naive: Naive) -> None:
    assert days_of(found) == naive.days
    assert {k: v for k, v in series(found).items() if not k[0]} == {
        (False, category): naive.violations(category) for category in naive.shown()
    }
    assert found["violations"]["total"] == sum(sum(s) for s in series(found).values())
    assert found["violations"]["total"] == len(naive.standing())
    assert [(r["rule"], sum(r["counts"])) for r in found["closures"]["rules"]] == [
        (rule, naive.closed[rule]) for rule in RULES
    ]
    assert [found["contact"][k] for k in ("decided", "in_time", "median_s", "p90_s")] == [
        naive.decided, naive.in_time, naive.contact(50), naive.contact(90),
    ]  # fmt: skip
    assert found["contact"]["share"] == pytest.approx(naive.in_time / naive.decided)
    assert sum(found["contact"]["classes"]) == found["contact"]["count"] == naive.in_time > 10


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_last_day_is_what_the_record_says_of_it(day: Day, seed: int) -> None:
    random = Random(seed)
    day.at("03-10 10:20")
    for n in range(4):
        day.add(f"s{n}.example")
    for _ in range(24):
        day.after(f"{random.randint(1, 5_000)}s")
        site = random.choice(["s0.example", "s1.example", "s2.example"])
        if day.site(site)["state"] != "closed":
            day.log(site)
        if random.random() < 0.6:
            day.elapse()
    naive, found = Naive(day, SHANGHAI), look(day)
    assert {name: found["load"][name] for name in ("logged", "contacts")} == {
        "logged": naive.hours(e.IncidentLogged), "contacts": naive.hours(e.ContactRecorded),
    }  # fmt: skip
    assert found["today"]["violations"] == naive.today(e.IncidentLogged)
    assert found["today"]["suspensions"] == naive.today(e.SiteSuspended)
    assert found["today"]["closures"] == naive.today(e.SiteClosed)
    late = naive.late()
    assert found["lateness"]["count"] == len(late) > 0
    assert found["lateness"]["most_s"] == pytest.approx(max(late), rel=0.01)
    assert not found["today"]["capped"]


class Naive:
    """The same numbers, by reading everything."""

    def __init__(self, day: Day, zone: ZoneInfo) -> None:
        self.day, self.zone = day, zone
        self.events = told(day)
        today = day.now.astimezone(zone).date()
        self._dates = [today - timedelta(days=n) for n in reversed(range(30))]
        self.days = [d.isoformat() for d in self._dates]
        with day.reading() as connection:
            found = whole_cases.whole(connection, range(1, 20))
        self._incidents = [i for case in found.values() for i in case.incidents.values()]
        self.begin = datetime.combine(self._dates[0], datetime.min.time(), zone)
        self.closed = Counter(
            event.reason.rule
            for event in self.events
            if isinstance(event, e.SiteClosed) and event.reason and event.recorded_at >= self.begin
        )
        clocks = [i for i in self.recorded() if i.state != "voided" and i.contact_due is not None]
        ended = [
            i
            for i in clocks
            if i.lapsed_at is not None
            or (i.reached_in_time and any(contact.stopped_clock for contact in i.contacts))
        ]
        self.decided = len(ended)
        self.in_time = sum(i.reached_in_time for i in ended)
        self._took = sorted(
            (min(c.occurred_at for c in i.contacts if c.tells) - i.recorded_at).total_seconds()
            for i in ended
            if i.reached_in_time
        )

    def recorded(self) -> list[Any]:
        return [i for i in self._incidents if i.recorded_at >= self.begin]

    def standing(self) -> list[Any]:
        return [i for i in self._incidents if i.state != "voided" and i.occurred_at >= self.begin]

    def shown(self) -> list[str | None]:
        counts = Counter(i.category for i in self.standing() if i.category is not None)
        best = sorted(counts, key=lambda name: (-counts[name], str(name).encode()))
        none = [None] if any(i.category is None for i in self.standing()) else []
        return [*best[: views.MOST_CATEGORIES], *none]

    def violations(self, category: str | None) -> list[int]:
        of = Counter(
            i.occurred_at.astimezone(self.zone).date()
            for i in self.standing()
            if i.category == category
        )
        return [of[date] for date in self._dates]

    def contact(self, percent: int) -> float:
        found: float = self._took[-(-len(self._took) * percent // 100) - 1]
        return found

    def hours(self, kind: type[e.Event]) -> list[int]:
        """From this hour back: the minutes and seconds of the zone begin an hour."""
        last = self.day.now.replace(minute=0, second=0, microsecond=0)
        begins = [last - timedelta(hours=n) for n in reversed(range(24))]
        return [
            sum(
                isinstance(event, kind)
                and begin <= event.recorded_at < begin + timedelta(hours=1)
                for event in self.events
            )
            for begin in begins
        ]  # fmt: skip

    def today(self, kind: type[e.Event]) -> int:
        midnight = datetime.combine(self._dates[-1], datetime.min.time(), self.zone)
        return sum(isinstance(v, kind) and v.recorded_at >= midnight for v in self.events)

    def late(self) -> list[float]:
        since = read_rfc3339(look(self.day)["load"]["hours"][0])
        kinds = (e.ClockLapsed, e.SuspensionEnded)
        return [
            (event.recorded_at - event.occurred_at).total_seconds()
            for event in self.events
            if isinstance(event, kinds) and event.recorded_at >= since
        ]


def test_an_empty_desk_has_thirty_days_of_nothing(day: Day) -> None:
    found = look(day)
    assert len(found["begins"]) == 30
    assert found["violations"] == {"total": 0, "categories": []}
    assert found["closures"]["total"] == 0
    assert found["contact"]["share"] is None
    assert found["lateness"]["median_s"] is None
    assert found["load"]["logged"] == [0] * 24
    assert found["now"] == {"queue": {}, "waiting": 0, "suspended": 0, "capped": False}


def test_a_violation_belongs_to_the_day_of_the_zone_in_which_it_happened(day: Day) -> None:
    day.at("03-05 15:59").add().log(category="a").at("03-05 16:00").log(category="b")
    found = look(day)
    assert days_of(found)[-1] == "2026-03-06"
    assert series(found)[False, "a"][-2:] == [1, 0]
    assert series(found)[False, "b"][-2:] == [0, 1]


def test_what_was_voided_is_no_violation(day: Day) -> None:
    day.add().log(category="a").log(category="a")
    day.do(c.VoidIncident(by="li", incident=1, reason="slip"))
    assert look(day)["violations"]["total"] == 1


def test_the_rarer_categories_stand_together_and_none_is_lost(day: Day) -> None:
    for n in range(views.MOST_CATEGORIES + 3):
        day.add(f"s{n}.example").log(f"s{n}.example", category=f"c{n}").log(f"s{n}.example")
    found = look(day)
    assert len(series(found)) == views.MOST_CATEGORIES + 2
    assert sum(series(found)[True, None]) == 3
    assert found["violations"]["total"] == 2 * (views.MOST_CATEGORIES + 3)


def test_who_is_reached_when_a_closure_has_ended_the_clock_is_in_no_number(day: Day) -> None:
    day.add().log().log().log().after("10m").contact(1).contact(2)
    found = look(day)["contact"]
    assert (found["decided"], found["in_time"], found["count"]) == (0, 0, 0)


def test_late_truth_is_reached_in_time_and_stands_in_its_class(day: Day) -> None:
    day.at("10:00").add().log().at("11:30").elapse().contact(1, at="10:20")
    found = look(day)["contact"]
    assert (found["decided"], found["in_time"], found["count"]) == (1, 1, 1)
    assert found["classes"] == [0, 0, 1, 0, 0, 0]


def test_a_site_that_was_closed_and_reinstated_is_a_closure_of_its_day(day: Day) -> None:
    day.add().log().log().log()
    day.after("1h").do(c.AskReinstatement(by="li", reason="r")).do(c.Approve(by="wang"))
    found = look(day)
    assert found["closures"]["total"] == 1
    assert found["today"]["closed_by"]["repeat"] == 1


def test_a_late_clock_is_as_late_as_it_was(day: Day) -> None:
    day.add().log().after("1h").after("90s").elapse()
    late = look(day)["lateness"]
    assert (late["count"], late["median_s"]) == (1, 90.0)
    assert late["classes"] == [0, 0, 0, 0, 1, 0]


def test_what_was_recorded_before_the_thirty_days_is_left_out(day: Day) -> None:
    day.add().log(category="old").at("04-20 10:00")
    assert look(day)["violations"]["total"] == 0
    assert look(day)["today"]["violations"] == 0


def test_a_look_takes_seven_queries_and_those_of_recent_rows_use_an_index(day: Day) -> None:
    empty = len(day.statements(lambda: look(day)))
    a_month(day, seed=5, acts=30)
    assert len(day.statements(lambda: look(day))) == empty == 7
    if day.engine.dialect.name == "postgresql":
        with day.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")
    wanted = {
        "incidents.recorded_at >=": "ix_incidents_recorded_at",
        "orders.created_at >=": "ix_orders_closed",
        "entries.recorded_at >=": "ix_entries_recorded_at",
    }
    seen: Counter[str] = Counter()
    for sql, plan in plans(day):
        for clause, index in wanted.items():
            if clause in sql:
                seen[index] += 1
                assert index in plan, (sql, plan)
    assert seen == {
        "ix_incidents_recorded_at": 3, "ix_orders_closed": 1, "ix_entries_recorded_at": 1,
    }  # fmt: skip


def plans(day: Day) -> list[tuple[str, str]]:
    """Each statement of a look with its plan; a table so small would rather be read whole."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, sql: str, parameters: Any, *_rest: Any) -> None:
        sent.append((sql, parameters))

    event.listen(day.engine, "before_cursor_execute", note)
    try:
        look(day)
    finally:
        event.remove(day.engine, "before_cursor_execute", note)
    with day.reading() as connection:
        driver: Any = connection.connection.driver_connection
        if connection.dialect.name == "sqlite":
            ask = [driver.execute(f"EXPLAIN QUERY PLAN {sql}", given) for sql, given in sent]
        else:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            ask = [psycopg.Cursor(driver).execute(f"EXPLAIN {s}".encode(), g) for s, g in sent]
        return [
            (sql, "\n".join(str(row[-1]) for row in found.fetchall()))
            for (sql, _), found in zip(sent, ask, strict=True)
        ]


def test_what_is_written_tomorrow_is_not_of_today(day: Day) -> None:
    day.add().log()
    begin = look(day)["begins"][0]
    assert read_rfc3339(begin) == utc("01-30 16:00")
