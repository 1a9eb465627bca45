"""Quiet hours: both ends, over midnight, and in the nights that change the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.notices import notice_settings
from incidents.notices.notice_settings import QuietHours

SHANGHAI = ZoneInfo("Asia/Shanghai")
ZONES = [SHANGHAI, ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York"), ZoneInfo("UTC")]


def _at(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("hours", "now", "ends"),
    [
        ("23:00-07:00", "03-02T22:59:59", None),
        ("23:00-07:00", "03-02T23:00", "03-03T07:00"),
        ("23:00-07:00", "03-03T00:00", "03-03T07:00"),
        ("23:00-07:00", "03-03T06:59:59.999999", "03-03T07:00"),
        ("23:00-07:00", "03-03T07:00", None),
        ("12:00-13:30", "03-02T11:59", None),
        ("12:00-13:30", "03-02T12:00", "03-02T13:30"),
        ("12:00-13:30", "03-02T13:30", None),
        ("12:00-13:30", "03-02T23:30", None),
        ("22:00-00:00", "03-02T23:59", "03-03T00:00"),
        ("22:00-00:00", "03-03T00:00", None),
        ("00:00-06:00", "03-03T00:00", "03-03T06:00"),
    ],
)
def test_they_begin_on_the_minute_and_end_on_the_minute(
    hours: str, now: str, ends: str | None
) -> None:
    found = notice_settings.read_quiet_hours(hours, SHANGHAI).ends(_at(now).astimezone(UTC))
    assert found == (None if ends is None else _at(ends))


def test_they_are_those_of_the_zone_in_which_people_read_times() -> None:
    hours = notice_settings.read_quiet_hours("23:00-07:00", SHANGHAI)
    assert hours.ends(datetime(2026, 3, 2, 16, 0, tzinfo=UTC)) == datetime(
        2026, 3, 2, 23, 0, tzinfo=UTC
    )
    assert hours.ends(datetime(2026, 3, 2, 23, 30, tzinfo=UTC)) is None


@given(
    now=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001 - UTC, below
    begin=st.times(),
    end=st.times(),
    zone=st.sampled_from(ZONES),
)
def test_they_end_after_now_and_within_a_day_and_an_hour(
    now: datetime, begin: time, end: time, zone: ZoneInfo
) -> None:
    begin, end = begin.replace(second=0, microsecond=0), end.replace(second=0, microsecond=0)
    if begin == end:
        return
    moment = now.replace(tzinfo=UTC)
    ends = QuietHours(begin, end, zone).ends(moment)
    if ends is not None:
        assert timedelta(0) < ends - moment <= timedelta(hours=25)
        assert ends.tzinfo is UTC


def test_an_end_in_the_hour_that_clocks_show_twice_is_the_next_one() -> None:
    hours = notice_settings.read_quiet_hours("23:00-02:30", ZoneInfo("Europe/Berlin"))
    first = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)  # 02:10 for the first time
    assert hours.ends(first) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    second = first + timedelta(hours=1)
    assert hours.ends(second) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "23-7",
        "23:00",
        "23:00-24:00",
        "25:00-07:00",
        "07:00-07:00",
        "23:00 - 07:00",
        "٢3:00-07:00",
    ],
)
def test_what_is_no_pair_of_times_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours of the day|never end"):
        notice_settings.read_quiet_hours(text, SHANGHAI)
