"""Times as people write them and as the record keeps them."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from freezegun import freeze_time

from incidents import clock
from incidents.errors import InputError

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)  # 09:30 in Shanghai


def test_now_is_the_machines_time_in_utc() -> None:
    with freeze_time("2026-03-01T10:00:00.000007Z"):
        assert clock.now() == datetime(2026, 3, 1, 10, 0, 0, 7, tzinfo=UTC)
        assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01T10:00:00Z"),
        (datetime(2026, 3, 1, 10, 0, 0, 500_000, tzinfo=UTC), "2026-03-01T10:00:00.500000Z"),
        (datetime(2026, 3, 1, 18, tzinfo=timezone(timedelta(hours=8))), "2026-03-01T10:00:00Z"),
    ],
)
def test_a_time_is_written_in_utc_with_microseconds_only_where_there_are_any(
    moment: datetime, text: str
) -> None:
    assert clock.rfc3339(moment) == text
    assert clock.read_rfc3339(text) == moment


def test_a_time_without_a_zone_is_never_written() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        clock.rfc3339(datetime(2026, 3, 1, 10))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01T02:50:00+08:00", "2026-02-28T18:50:00Z"),
        ("2026-03-01T02:50:00Z", "2026-03-01T02:50:00Z"),
        ("2026-03-01t02:50:00z", "2026-03-01T02:50:00Z"),
        ("2026-03-01 02:50:00-05:30", "2026-03-01T08:20:00Z"),
        ("2026-03-01T02:50:00.5Z", "2026-03-01T02:50:00.500000Z"),
        ("2026-03-01T02:50:00.123456789Z", "2026-03-01T02:50:00.123456Z"),
        ("2026-03-01 02:50", "2026-02-28T18:50:00Z"),
        ("2026-03-01T02:50", "2026-02-28T18:50:00Z"),
        (" 2026-03-01 02:50:30 ", "2026-02-28T18:50:30Z"),
        ("02:50", "2026-02-28T18:50:00Z"),
        ("09:30", "2026-03-01T01:30:00Z"),
        ("9:30", "2026-03-01T01:30:00Z"),
        ("2026-03-01 2:50", "2026-02-28T18:50:00Z"),
        ("02:50:30", "2026-02-28T18:50:30Z"),
    ],
)
def test_a_time_is_read_as_rfc_3339_or_in_the_display_zone(text: str, expected: str) -> None:
    assert clock.rfc3339(clock.parse(text, SHANGHAI, NOW)) == expected


def test_a_bare_time_is_yesterdays_if_that_was_last_night() -> None:
    """At 09:30 in Shanghai, 21:30 was yesterday."""
    assert clock.parse("21:30", SHANGHAI, NOW) == NOW - timedelta(hours=12)


def test_a_bare_time_that_is_just_ahead_is_not_taken_for_yesterdays() -> None:
    """At 09:30, 09:31 is a slip, and the future is refused."""
    assert clock.parse("09:31", SHANGHAI, NOW) == NOW + timedelta(minutes=1)
    assert clock.parse("21:29", SHANGHAI, NOW) == NOW + timedelta(hours=12, minutes=-1)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-03-01", "25", "002:50", "02.50", "2026-3-1 02:50", "02:50Z", "٠٢:٥٠"],
)
def test_what_is_no_time_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(InputError, match=r"not a time: .* \(write 02:50, 2026-03-01 02:50 or "):
        clock.parse(text, SHANGHAI, NOW)


@pytest.mark.parametrize(
    "text", ["24:00", "02:60", "2026-02-30 02:50", "2026-03-01T02:50:60Z", "0000-01-01 00:00",
             "0001-01-01 00:00", "0001-01-02T00:00:00Z", "1969-12-31 23:59",
             "2026-03-01T02:50:00+25:00"]
)  # fmt: skip
def test_a_time_that_there_is_not_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="no such time: "):
        clock.parse(text, SHANGHAI, NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("26:70", "write hours from 00 to 23"),
        ("02:60", "write minutes from 00 to 59"),
        ("02:50:60", "write seconds from 00 to 59"),
        ("2026-13-01 02:50", "write months from 01 to 12"),
        ("2026-02-30 02:50", "2026-02 has the days 01 to 28"),
        ("2024-02-00 02:50", "2024-02 has the days 01 to 29"),
        ("0000-01-01 02:50", "write a year from 1970 to 2999"),
        ("2026-03-01T02:50:00+25:00", "write an offset from -23:59 to +23:59"),
    ],
)
def test_what_is_wrong_with_a_time_is_said_in_own_words(text: str, why: str) -> None:
    with pytest.raises(InputError) as refused:
        clock.parse(text, SHANGHAI, NOW)
    assert str(refused.value) == f"no such time: {text!r} ({why})"


def test_a_time_that_happens_twice_or_never_must_have_its_offset() -> None:
    with pytest.raises(InputError, match="'2026-10-25 02:30' happens twice in Europe/Berlin"):
        clock.parse("2026-10-25 02:30", BERLIN, NOW)
    with pytest.raises(InputError, match="'2026-03-29 02:30' does not exist in Europe/Berlin"):
        clock.parse("2026-03-29 02:30", BERLIN, NOW)
    assert clock.parse("2026-10-25 02:30+01:00", BERLIN, NOW) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("name", ["Asia/Peking", "", "../etc/passwd", "a\0b", "Asia"])
def test_an_unknown_zone_is_refused_by_name(name: str) -> None:
    with pytest.raises(InputError, match="unknown time zone"):
        clock.zone(name)


def test_a_known_zone_is_found() -> None:
    assert clock.zone("Asia/Shanghai") == SHANGHAI


@pytest.mark.parametrize("text", ["9999-12-31T23:59:59Z", "3000-01-01 00:00"])
def test_a_year_that_no_clock_will_show_is_in_the_future(text: str) -> None:
    with pytest.raises(clock.FutureError, match=f"{text} is in the future"):
        clock.parse(text, SHANGHAI, NOW)


def test_a_program_writes_an_hour_of_two_digits() -> None:
    with pytest.raises(InputError, match="not a time"):
        clock.parse_exact("2026-03-01 2:50:00+08:00")


SINCE = datetime(2026, 3, 1, 2, 50, tzinfo=UTC)
FAST = clock.FastClock(60, SINCE)


def test_a_fast_clock_was_right_once_and_shows_an_hour_after_a_minute(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    machine = SINCE
    monkeypatch.setattr(clock, "source", lambda: machine)
    monkeypatch.setattr(clock, "fast_clock", FAST)
    assert clock.now() == SINCE
    machine += timedelta(minutes=1)
    assert clock.now() == SINCE + timedelta(hours=1)
    assert clock.machine_now() == machine
    assert clock.machine_time(clock.now()) == machine
    assert clock.passing(timedelta(seconds=1)) == timedelta(minutes=1)


def test_without_a_pace_the_clock_is_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "source", lambda: NOW)
    assert clock.now() == clock.machine_now() == clock.machine_time(NOW) == NOW
    assert clock.passing(timedelta(seconds=1)) == timedelta(seconds=1)


def test_a_pace_is_read_as_it_is_written() -> None:
    assert str(FAST) == "60x since 2026-03-01T02:50:00Z"
    assert clock.read_fast_clock(str(FAST)) == FAST


@pytest.mark.parametrize(
    "text",
    [
        "60x", "0x since 2026-03-01T02:50:00Z", "-1x since 2026-03-01T02:50:00Z",
        "3601x since 2026-03-01T02:50:00Z", "60x since 2026-03-01 02:50", "60x since yesterday",
        "60x since 2026-13-01T02:50:00Z", "own",
    ],
)  # fmt: skip
def test_what_is_no_pace_is_not_read_as_one(text: str) -> None:
    assert clock.read_fast_clock(text) is None
