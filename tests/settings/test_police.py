"""The duty to report: one reminder at a time, to the second; and its valid settings."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.errors import SettingError, UnknownSettingError
from incidents.settings.police import OVERDUE_FOR, REMIND, WITHIN, ReportDuty, read

START = datetime(2026, 3, 1, 10, tzinfo=UTC)
H, S, MOMENT = timedelta(hours=1), timedelta(seconds=1), timedelta(microseconds=1)
DAY = 24 * H


def test_the_documented_duty_is_24_hours_from_the_recording() -> None:
    assert ReportDuty().deadline(START) == START + 24 * H


@pytest.mark.parametrize(
    ("after", "name"),
    [
        (timedelta(0), None),
        (12 * H - MOMENT, None),
        (12 * H, "12h"),
        (22 * H - MOMENT, "12h"),
        (22 * H, "2h"),
        # At the very deadline it is still in time.
        (24 * H, "2h"),
        (24 * H + MOMENT, "overdue-1"),
        (24 * H + S, "overdue-1"),
        (48 * H, "overdue-1"),
        (48 * H + MOMENT, "overdue-2"),
        (24 * H + 7 * DAY, "overdue-7"),
        (24 * H + 7 * DAY + MOMENT, None),
    ],
)
def test_one_reminder_stands_at_a_time(after: timedelta, name: str | None) -> None:
    found = ReportDuty().reminder(START, START + after)

    assert (None if found is None else found.name) == name


def test_a_reminder_says_since_when_it_is_due_and_whether_it_is_late() -> None:
    duty = ReportDuty()

    before, behind = duty.reminder(START, START + 13 * H), duty.reminder(START, START + 50 * H)

    assert before is not None
    assert behind is not None
    assert (before.since, before.overdue) == (START + 12 * H, False)
    assert (behind.since, behind.overdue) == (START + 48 * H, True)


def test_without_reminders_the_desk_hears_of_it_when_it_is_overdue() -> None:
    duty = ReportDuty(remind=())

    assert duty.ahead == timedelta(0)
    assert duty.reminder(START, START + 24 * H - MOMENT) is None
    assert duty.reminder(START, START + 24 * H) is None
    late = duty.reminder(START, START + 24 * H + MOMENT)
    assert late is not None
    assert late.name == "overdue-1"


@given(
    st.lists(st.integers(1, 86_399), max_size=10, unique=True),
    st.integers(0, 9 * 86_400 * 1_000_000),
)
def test_reminders_follow_each_other_and_none_stands_before_it_is_due(
    seconds: list[int], after_us: int
) -> None:
    remind = tuple(timedelta(seconds=s) for s in sorted(seconds, reverse=True))
    duty = ReportDuty(remind=remind)
    now = START + timedelta(microseconds=after_us)

    found = duty.reminder(START, now)

    deadline = duty.deadline(START)
    if found is None:
        assert now < deadline - duty.ahead or now > deadline + OVERDUE_FOR or not remind
        return
    assert found.since <= now
    assert found.overdue == (now > deadline)
    # It is the same one from when it is due until now, and another one before.
    begun = found.since + (MOMENT if found.overdue else timedelta(0))
    again, before = duty.reminder(START, begun), duty.reminder(START, begun - MOMENT)
    assert again == found
    assert before is None or before.name != found.name


# The settings.


def test_without_settings_the_documented_duty_holds() -> None:
    assert read({}) == ReportDuty(within=WITHIN, remind=REMIND)


def test_an_empty_text_reminds_nobody() -> None:
    assert read({"within": ""}) is None
    with pytest.raises(UnknownSettingError):
        read({"within": "", "remnid": ["2h"]})


def test_reminders_are_taken_in_any_order_and_each_once() -> None:
    duty = read({"within": "6h", "remind": ["30m", "3h", "180m"]})

    assert duty == ReportDuty(within=6 * H, remind=(3 * H, H / 2))


def test_of_the_usual_reminders_those_stay_that_fit_into_a_shorter_time() -> None:
    assert read({"within": "6h"}) == ReportDuty(within=6 * H, remind=(2 * H,))
    assert read({"within": "1h"}) == ReportDuty(within=H, remind=())
    assert read({"remind": []}) == ReportDuty(remind=())


@pytest.mark.parametrize(
    ("section", "key"),
    [
        ({"within": "tomorrow"}, "within"),
        ({"within": 24}, "within"),
        ({"within": "30s"}, "within"),
        ({"within": "31d"}, "within"),
        ({"remind": ["24h"]}, "remind"),
        ({"remind": ["0s"]}, "remind"),
        ({"remind": ["soon"]}, "remind"),
        ({"remind": [""]}, "remind"),
        ({"remind": 12}, "remind"),
        ({"remind": ["999999999d"]}, "remind"),
        ({"remind": [f"{n}m" for n in range(1, 12)]}, "remind"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(section: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingError) as raised:
        read(section)
    assert raised.value.facts["setting"] == key
    assert "[report]" in str(raised.value.facts["where"])


def test_an_unknown_setting_is_named_with_those_that_there_are() -> None:
    with pytest.raises(UnknownSettingError, match="remind, within"):
        read({"whithin": "24h"})
