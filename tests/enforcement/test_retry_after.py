"""Retry-After: seconds or a date, and nothing that a server writes there breaks anything."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.outbound.message import MAX_RETRY_AFTER, retry_after

NOW = datetime(2026, 3, 1, 10, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        ("120", timedelta(seconds=120)),
        (" 120 ", timedelta(seconds=120)),
        ("86400", timedelta(hours=24)),
        ("86401", timedelta(hours=24)),
        ("9" * 5_000, timedelta(hours=24)),
        ("0" * 5_000 + "7", timedelta(seconds=7)),
        ("Sun, 01 Mar 2026 10:02:00 GMT", timedelta(minutes=2)),
        ("Sunday, 01-Mar-26 10:02:00 GMT", timedelta(minutes=2)),
        ("Sun Mar  1 10:02:00 2026", timedelta(minutes=2)),
        ("Fri, 31 Dec 2999 23:59:59 GMT", timedelta(hours=24)),
        ("0", None),
        ("Sun, 01 Mar 2026 10:00:00 GMT", None),
        ("Sun, 01 Mar 2026 09:00:00 GMT", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("²", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Sun, 99 Mar 2026 10:02:00 GMT", None),
        ("Sun, 01 Mar 99999 10:02:00 GMT", None),
        ("Sun, 01 Mar 2026 10:02:00 +9999999999", None),
    ],
)
def test_both_forms_are_read_and_nonsense_asks_for_nothing(
    value: str | None, wait: timedelta | None
) -> None:
    assert retry_after(value, NOW) == wait


def test_a_date_is_compared_with_now_in_whatever_zone_now_is_written() -> None:
    now = NOW.astimezone(timezone(timedelta(hours=8)))
    assert retry_after("Sun, 01 Mar 2026 10:02:00 GMT", now) == timedelta(minutes=2)


@given(st.text() | st.from_regex(r"\w{3}, \d{2} \w{3} \d{2,5} \d{2}:\d{2}:\d{2} ?\w{0,4}"))
def test_whatever_is_written_there_the_wait_is_none_or_at_most_a_day(value: str) -> None:
    wait = retry_after(value, NOW)
    assert wait is None or timedelta() < wait <= MAX_RETRY_AFTER
