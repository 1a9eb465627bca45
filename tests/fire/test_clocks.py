"""Clocks that lie: fixed histories on both databases, and times around a change of the clocks."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from incidents import clock
from incidents.errors import InputError
from incidents.locale.words import TimeFormat
from tests.fire.clocks import CHANGES, HOUR, MINUTE, SECOND, Scene, drawn, scene

AUTUMN = CHANGES["America/Chicago, autumn"]
HALF_AN_HOUR = CHANGES["Australia/Lord_Howe, autumn"]


@pytest.fixture
def chicago(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scene]:
    """Two machines in Chicago, 01:20 in the night on which 01:30 comes twice."""
    zone, change = AUTUMN
    kind = getattr(request, "param", "sqlite")
    with scene(kind, zone, change - 40 * MINUTE, tmp_path) as made:
        yield made


on_postgresql = pytest.mark.parametrize("chicago", ["postgresql"], indirect=True)


def test_an_hour_is_an_hour_and_twelve_are_twelve_on_the_night_of_25_hours(chicago: Scene) -> None:
    logged = chicago.act(chicago.main, "incident_logged", "log", "one.example")
    due = told(logged.out, "contact_due")
    assert due - told(logged.out, "recorded_at") == HOUR

    # The wall shows 01:10 again; 50 minutes have passed.
    chicago.leap_to(due - 10 * MINUTE)
    assert site(chicago, "one.example")["state"] == "active"
    chicago.leap_to(due + SECOND)
    suspended = site(chicago, "one.example")
    assert suspended["state"] == "suspended"

    until = datetime.fromisoformat(suspended["suspended_until"])
    chicago.leap_to(until - 10 * MINUTE)
    assert site(chicago, "one.example")["state"] == "suspended"
    chicago.leap_to(until + SECOND)
    assert site(chicago, "one.example")["state"] == "active"
    assert chicago.check()["suspension_ended"] == 1


@pytest.mark.long
def test_the_time_that_comes_twice_is_refused_until_its_offset_is_typed(chicago: Scene) -> None:
    chicago.leap(2 * HOUR)
    ambiguous = chicago.main.cell.run(
        ["log", "one.example", "--at", "2026-11-01 01:30", "--zone", chicago.zone]
    )
    first = chicago.act(
        chicago.main, "incident_logged", "log", "one.example", "--at", "2026-11-01 01:30-05:00"
    )
    second = chicago.act(
        chicago.main, "incident_logged", "log", "two.example", "--at", "2026-11-01 01:30-06:00"
    )

    assert ambiguous.status == 2
    assert b"happens twice" in ambiguous.err
    assert told(second.out, "occurred_at") - told(first.out, "occurred_at") == HOUR
    shown = chicago.main.cell.run(["show", "1-1", "--zone", chicago.zone])
    assert b"2026-11-01 01:30-05:00" in shown.out
    chicago.check()


def test_steps_of_an_hour_back_and_forth_fire_nothing_early_and_miss_nothing(
    chicago: Scene,
) -> None:
    for name in ("one.example", "two.example"):
        chicago.act(chicago.main, "incident_logged", "log", name)
        chicago.leap(-HOUR)
        chicago.act(chicago.main, "contact_recorded", "contact", name, "no-answer")
    chicago.leap(HOUR)
    chicago.act(chicago.main, "incident_logged", "log", "three.example")
    chicago.leap(3 * HOUR)
    chicago.leap(-HOUR)

    entries = chicago.check()
    assert entries["clock_lapsed"] == 3
    assert entries["site_suspended"] == 3
    assert entries["suspension_ended"] == 0


@pytest.mark.long
@on_postgresql
def test_a_daemon_off_by_more_than_two_seconds_stands_aside_and_an_act_far_off_is_refused(
    chicago: Scene,
) -> None:
    entries = six_minutes_apart(chicago)

    assert chicago.figures["acts: clock_ahead"] == chicago.figures["acts: clock_behind"] == 1
    assert entries["site_suspended"] == 1
    assert chicago.figures["stood aside"] >= 2


def test_on_sqlite_which_has_no_clock_of_its_own_nobody_is_refused_or_stands_aside(
    chicago: Scene,
) -> None:
    entries = six_minutes_apart(chicago)

    assert not any("clock_" in name for name in chicago.figures)
    assert chicago.figures["stood aside"] == 0
    assert entries["site_suspended"] == 3


def test_drawn_steps_of_the_clocks_leave_a_record_without_a_fault(
    tmp_path: Path,
) -> None:
    assert drawn(12, tmp_path, 8)["steps"] == 8


@pytest.mark.parametrize("where", sorted(CHANGES))
def test_each_time_that_is_shown_can_be_typed_and_is_the_same_moment(where: str) -> None:
    name, change = CHANGES[where]
    zone = ZoneInfo(name)
    shown = set()
    for minutes in range(-26 * 60, 26 * 60, 7):
        for seconds in (0, 1, 59):
            moment = change + timedelta(minutes=minutes, seconds=seconds)
            text = TimeFormat(zone=zone, now=moment)(moment)
            shown.add(text)
            assert clock.parse(text, zone, moment + HOUR) == moment, text
    assert len(shown) == 3 * len(range(-26 * 60, 26 * 60, 7))


def test_half_an_hour_that_comes_twice_is_told_with_its_offset() -> None:
    name, change = HALF_AN_HOUR
    shown = TimeFormat(zone=ZoneInfo(name), now=change)

    assert shown(change - 15 * MINUTE) == "2026-04-05 01:45+11:00"
    assert shown(change + 15 * MINUTE) == "2026-04-05 01:45+10:30"
    assert shown(change + 45 * MINUTE) == "2026-04-05 02:15"


def test_a_time_that_the_clocks_jump_over_is_refused() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    with pytest.raises(InputError, match="does not exist"):
        clock.parse("2026-10-04 02:15", zone, datetime(2026, 10, 5, tzinfo=UTC))


def six_minutes_apart(chicago: Scene) -> Counter[str]:
    """Acts of two machines whose clocks differ, and what is on record in the end, by kind."""
    chicago.act(chicago.main, "incident_logged", "log", "one.example")
    chicago.set_apart(6 * MINUTE)
    chicago.act(chicago.other, "incident_logged", "log", "two.example")
    chicago.set_apart(-6 * MINUTE)
    chicago.act(chicago.other, "incident_logged", "log", "three.example")
    chicago.leap(2 * HOUR)
    chicago.set_apart(0 * SECOND)

    return chicago.check()


def told(answer: bytes, when: str) -> datetime:
    """A time of the incident in the answer."""
    return datetime.fromisoformat(json.loads(answer)["incident"][when])


def site(made: Scene, name: str) -> dict[str, str]:
    found: dict[str, str] = json.loads(made.main.cell.run(["site", "show", name, "--json"]).out)
    return found
