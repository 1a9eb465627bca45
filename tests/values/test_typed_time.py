"""Times as people type them: a time ago, on a named day, or a day as a limit."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidents import clock
from incidents.errors import InputError
from incidents.values import typed_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("10m ago", timedelta(minutes=10)),
        ("10 min ago", timedelta(minutes=10)),
        ("1h30m ago", timedelta(minutes=90)),
        ("1 h 30 m ago", timedelta(minutes=90)),
        ("2d ago", timedelta(days=2)),
        ("2 days ago", timedelta(days=2)),
        ("1 hour 30 minutes ago", timedelta(minutes=90)),
        ("45s AGO", timedelta(seconds=45)),
        ("10分钟前", timedelta(minutes=10)),
        ("1小时 30分前", timedelta(minutes=90)),
        ("2 天前", timedelta(days=2)),
        ("１０分钟前", timedelta(minutes=10)),
    ],
)
def test_so_long_ago_counts_back_from_now(text: str, ago: timedelta) -> None:
    assert typed_time.read(text, SHANGHAI, NOW) == NOW - ago


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("yesterday 17:00", "2026-02-28T09:00:00Z"),
        ("昨天 17:00", "2026-02-28T09:00:00Z"),
        ("昨天17:00", "2026-02-28T09:00:00Z"),
        ("today 09:05:30", "2026-03-01T01:05:30Z"),
        ("今天 09:05", "2026-03-01T01:05:00Z"),
        ("今天　０９：０５", "2026-03-01T01:05:00Z"),
        ("09：05", "2026-03-01T01:05:00Z"),
        ("２０２６－０２－２７ 08：00", "2026-02-27T00:00:00Z"),
        # A time alone, and a date with one, are read as by `clock.parse`.
        ("21:30", "2026-02-28T13:30:00Z"),
        ("2026-02-27 08:00", "2026-02-27T00:00:00Z"),
        ("2026-02-27T08:00:00+01:00", "2026-02-27T07:00:00Z"),
    ],
)
def test_a_time_of_a_day_is_read_in_the_persons_zone(text: str, same: str) -> None:
    assert clock.rfc3339(typed_time.read(text, SHANGHAI, NOW)) == same


@pytest.mark.parametrize("text", ["2026-02-28", "yesterday", "昨天"])
def test_a_day_as_a_limit_is_within_it(text: str) -> None:
    since = typed_time.read(text, SHANGHAI, NOW, limit="since")
    until = typed_time.read(text, SHANGHAI, NOW, limit="until")
    assert clock.rfc3339(since) == "2026-02-27T16:00:00Z"
    assert until - since == timedelta(days=1)


def test_a_day_whose_clocks_change_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    since = typed_time.read("2026-03-29", berlin, NOW, limit="since")
    assert typed_time.read("2026-03-29", berlin, NOW, limit="until") - since == timedelta(hours=23)


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-02-28", "10m", "ago", "10 x ago", "tomorrow 10:00", "yesterday noon", ""],
)
def test_what_is_no_time_of_a_fact_is_refused_with_the_ways_to_write_one(text: str) -> None:
    with pytest.raises(InputError, match=r"is not a time: write 02:50, yesterday 17:00, 10m ago"):
        typed_time.read(text, SHANGHAI, NOW)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("yesterday 25:00", "write hours from 00 to 23"),
        ("2026-02-30", "2026-02 has the days 01 to 28"),
        ("999999d ago", "is not a time"),
    ],
)
def test_a_day_or_a_time_that_is_none_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        typed_time.read(text, SHANGHAI, NOW, limit="until")
