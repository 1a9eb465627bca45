"""The colleague: violations keep coming, each on its own site, and every other one is reached."""

from __future__ import annotations

from datetime import timedelta

from incidents.demo.colleague import EACH, FIRST, HANDLE, Colleague
from incidents.machine import commands as c
from tests.desk.rehearsal import Rehearsal, rehearsal


def works(day: Rehearsal, colleague: Colleague, hours: int) -> None:
    for _ in range(hours * 60):
        day.later(minutes=1)
        colleague.work()


def test_violations_come_in_and_every_other_person_is_reached(sqlite_url: str) -> None:
    with rehearsal(sqlite_url) as day:
        colleague = Colleague(day.desk, lambda: day.now, "desk")
        works(day, colleague, 6)
        logged = (timedelta(hours=6) - FIRST) // EACH + 1
        found = day.rows("SELECT site_id, state FROM incidents ORDER BY site_id")
        assert [site for site, _ in found] == [*range(1, logged + 1)]
        assert [state for _, state in found[:4]] == ["open", "notified", "open", "notified"]
        assert {who for (who,) in day.rows('SELECT DISTINCT "by" FROM contacts')} == {HANDLE}


def test_nothing_that_a_visitor_does_stops_the_colleague(sqlite_url: str) -> None:
    with rehearsal(sqlite_url) as day:
        colleague = Colleague(day.desk, lambda: day.now, "desk")
        works(day, colleague, 1)
        for site in ("lotus-shop.example", "harbour-shop.example"):
            answer = day.give(c.SetHold(by="wang", reason="by letter"), site, signed_in=True)
            assert answer.refusal is None
        works(day, colleague, 3)
        assert len(day.rows("SELECT id FROM sites")) > 4


def test_a_name_is_used_again_only_after_all_others(sqlite_url: str) -> None:
    with rehearsal(sqlite_url) as day:
        colleague = Colleague(day.desk, lambda: day.now, "desk")
        works(day, colleague, 40)
        [(most,)] = day.rows(
            "SELECT max(n) FROM (SELECT count(*) AS n FROM incidents GROUP BY site_id)"
        )
        assert most == 2
