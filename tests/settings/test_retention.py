"""The retention: what the settings file may ask for, and what the law has it not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incidents.settings import retention as periods
from incidents.settings.retention import BadRetentionError, RetentionTooShortError

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)


def test_without_a_setting_the_law_s_time_holds_and_nothing_goes_by_itself() -> None:
    found = periods.read({})
    assert found.keep == timedelta(days=184)
    assert not found.is_enabled


@pytest.mark.parametrize("value", ["184d", "4416h", "730d"])
def test_the_law_s_time_and_any_longer_one_is_taken(value: str) -> None:
    assert periods.read({"keep": value}).is_enabled


def test_no_six_months_of_a_calendar_are_longer_than_what_is_kept() -> None:
    first_days = [datetime(year, month, 1, tzinfo=UTC) for year in range(2024, 2032)
                  for month in range(1, 13)]  # fmt: skip
    halves = [later - first for first, later in zip(first_days, first_days[6:], strict=False)]
    assert max(halves) == periods.MINIMUM


@pytest.mark.parametrize("value", ["183d", "4415h", "0d"])
def test_less_is_refused_with_the_law(value: str) -> None:
    with pytest.raises(RetentionTooShortError, match=r"article 23\(3\).*184d"):
        periods.read({"keep": value})


def test_keys_and_checkpoints_are_kept_for_thirty_days_or_longer() -> None:
    found = periods.read({"keys": "90d", "checkpoints": "31d"})
    assert (found.keys, found.checkpoints) == (timedelta(days=90), timedelta(days=31))
    assert not found.is_enabled
    default = periods.read({})
    assert (default.keys, default.checkpoints) == (timedelta(days=30), timedelta(days=30))


@pytest.mark.parametrize(
    ("setting", "why"), [("keys", "after a long outage"), ("checkpoints", "others can compare")]
)
def test_less_than_thirty_days_is_refused_with_the_reason(setting: str, why: str) -> None:
    assert periods.read({setting: "30d"}) == periods.Retention()
    with pytest.raises(RetentionTooShortError, match=f'{setting} = .29d.*{why}.*"30d"'):
        periods.read({setting: "29d"})


def test_a_key_s_answer_is_kept_no_longer_than_the_texts_in_it() -> None:
    assert periods.read({"keys": "300d"}).cutoff_of_keys(NOON) == NOON - timedelta(days=300)
    both = periods.read({"keys": "300d", "keep": "200d"})
    assert both.cutoff_of_keys(NOON) == NOON - timedelta(days=200)


@pytest.mark.parametrize("value", [184, "six months", "", None, "36501d", "9" * 30 + "d"])
def test_what_is_no_time_is_named(value: Any) -> None:
    with pytest.raises(BadRetentionError, match="keep"):
        periods.read({"keep": value})


def test_a_misspelt_setting_is_named() -> None:
    with pytest.raises(BadRetentionError, match="kepe"):
        periods.read({"kepe": "184d"})


def test_what_was_recorded_may_go_when_it_is_older_than_that() -> None:
    found = periods.read({"keep": "200d"})
    assert found.due(found.cutoff(NOON)) == NOON
    assert found.cutoff(NOON) == NOON - timedelta(days=200)
