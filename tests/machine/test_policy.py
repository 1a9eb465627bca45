"""The policy as data: read, checked, digested, written (design.md, the policy file)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.machine.policy import (
    DOCUMENTED,
    MAX_DURATION,
    Policy,
    PolicyError,
    from_document,
    read,
    read_duration,
    write_duration,
)

FILE = """\
[repeat]            # R1
count = 3
within = "24h"
[unreachable]       # R2
within = "1h"
suspend_for = "12h"
min_attempts = 0
[unreachable_run]   # R3
count = 3
run = "consecutive" # or "total"
[refusal]           # R5
removal_within = "" # none
"""


def error(text: str) -> str:
    with pytest.raises(PolicyError) as raised:
        read(text)
    return str(raised.value)


# Reading.


def test_the_documented_file_is_the_documented_policy() -> None:
    assert read(FILE) == DOCUMENTED


def test_the_documented_numbers_are_3_24_h_1_h_12_h_and_3() -> None:
    assert (DOCUMENTED.repeat_count, DOCUMENTED.repeat_within) == (3, timedelta(hours=24))
    assert DOCUMENTED.unreachable_within == timedelta(hours=1)
    assert DOCUMENTED.suspend_for == timedelta(hours=12)
    assert DOCUMENTED.run_count == 3


def test_a_missing_key_has_the_documented_value() -> None:
    assert read("") == DOCUMENTED
    assert read("[repeat]\ncount = 5") == Policy(repeat_count=5)


def test_every_key_is_read() -> None:
    text = """
        repeat = {count = 4, within = "48h"}
        unreachable = {within = "30m", suspend_for = "1d", min_attempts = 2}
        unreachable_run = {count = 5, run = "total"}
        refusal = {removal_within = "3d"}
    """
    assert read(text) == Policy(
        repeat_count=4,
        repeat_within=timedelta(hours=48),
        unreachable_within=timedelta(minutes=30),
        suspend_for=timedelta(days=1),
        min_attempts=2,
        run_count=5,
        run="total",
        removal_within=timedelta(days=3),
    )


# Durations.


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("1d2h3m4s", timedelta(days=1, hours=2, minutes=3, seconds=4)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_is_days_hours_minutes_and_seconds_in_that_order(
    text: str, duration: timedelta
) -> None:
    assert read_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "1", "h", "30m1h", "1.5h", "-1h", "1 h", "1H", "1w", "1h ", "1٣h", "1_0h"]
)
def test_anything_else_is_no_duration_and_the_error_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="90m, 1h30m, 24h or 30d") as raised:
        read_duration(text)
    assert repr(text) in str(raised.value)


@given(st.integers(min_value=0, max_value=int(MAX_DURATION.total_seconds())))
def test_a_written_duration_reads_back_unchanged(seconds: int) -> None:
    duration = timedelta(seconds=seconds)
    assert read_duration(write_duration(duration)) == duration


# Errors: each names the key, the value and what it must be.


@pytest.mark.parametrize(
    ("text", "key", "value", "must"),
    [
        ("[repeat]\ncount = 0", "repeat.count", "0", "from 1 to 1000"),
        ("[repeat]\ncount = 1001", "repeat.count", "1001", "from 1 to 1000"),
        ("[repeat]\ncount = true", "repeat.count", "true", "whole number"),
        ("[repeat]\ncount = 3.0", "repeat.count", "3.0", "whole number"),
        ('[repeat]\ncount = "3"', "repeat.count", '"3"', "whole number"),
        ("[repeat]\ncount = nan", "repeat.count", "NaN", "whole number"),
        ("[repeat]\ncount = 2026-03-01", "repeat.count", "2026-03-01", "whole number"),
        ("[repeat]\nwithin = 24", "repeat.within", "24", '"1h30m"'),
        ('[repeat]\nwithin = ""', "repeat.within", '""', '"1h30m"'),
        ('[repeat]\nwithin = "1w"', "repeat.within", '"1w"', '"1h30m"'),
        ('[repeat]\nwithin = "367d"', "repeat.within", "367d", "between 1s and 366d"),
        ('[repeat]\nwithin = "999999999d"', "repeat.within", "999999999d", "366d"),
        ('[repeat]\nwithin = "999999999d999999999h"', "repeat.within", "999999999h", '"1h30m"'),
        ('[unreachable]\nwithin = "0s"', "unreachable.within", "0s", "between 1s"),
        ('[unreachable]\nsuspend_for = "soon"', "unreachable.suspend_for", '"soon"', "1h30m"),
        ("[unreachable]\nmin_attempts = -1", "unreachable.min_attempts", "-1", "from 0"),
        ("[unreachable_run]\ncount = []", "unreachable_run.count", "[]", "from 1"),
        ('[unreachable_run]\nrun = "all"', "unreachable_run.run", '"all"', '"consecutive"'),
        ("[unreachable_run]\nrun = 3", "unreachable_run.run", "3", '"total"'),
        ("[unreachable_run]\nrun = []", "unreachable_run.run", "[]", '"total"'),
        ('[refusal]\nremoval_within = "0h"', "refusal.removal_within", "0h", "between 1s"),
        ("[refusal]\nremoval_within = 0", "refusal.removal_within", "0", '"1h30m"'),
        ("[refusal]\nremoval_within = false", "refusal.removal_within", "false", '"1h30m"'),
    ],
)
def test_an_error_names_the_key_the_value_and_what_it_must_be(
    text: str, key: str, value: str, must: str
) -> None:
    message = error(text)
    assert message.startswith(f"{key} must be ")
    assert value in message
    assert must in message


def test_a_duration_of_366_days_is_the_longest() -> None:
    assert read('[repeat]\nwithin = "366d"').repeat_within == MAX_DURATION


def test_an_unknown_section_is_an_error_that_lists_those_there_are() -> None:
    message = error("[repaet]\ncount = 3")
    assert "[repaet]" in message
    assert "repeat, unreachable, unreachable_run, refusal" in message


def test_an_unknown_key_is_an_error_that_lists_those_there_are() -> None:
    message = error("[unreachable]\nsuspend = '12h'")
    assert "unknown key suspend in [unreachable]" in message
    assert "within, suspend_for, min_attempts" in message


def test_a_section_that_is_none_is_an_error() -> None:
    message = error("repeat = 3")
    assert "repeat must be a section, [repeat], got 3" in message


@pytest.mark.parametrize(
    "text",
    ["[repeat", "count == 3", "[repeat]\ncount = 3\ncount = 3", "a = " + "9" * 5_000],
)
def test_a_file_that_is_not_toml_is_an_error(text: str) -> None:
    assert "not valid TOML" in error(text)


def test_a_file_that_is_nested_beyond_all_measure_is_an_error() -> None:
    assert "not valid TOML" in error("a = " + "[" * 20_000)


def test_an_error_ends_with_the_value_as_it_is() -> None:
    message = error('[repeat]\nwithin = "a week"')
    assert message == 'repeat.within must be a duration such as "1h30m", got "a week"'
    assert error('[repeat]\nwithin = "一周"').endswith('got "一周"')


def test_a_value_of_60_characters_is_shown_whole_and_a_longer_one_as_60() -> None:
    whole = error(f'[repeat]\nwithin = "{"x" * 58}"')
    assert whole.endswith(f'got "{"x" * 58}"')
    longer = error(f'[repeat]\nwithin = "{"x" * 59}"')
    assert longer.endswith(f'got "{"x" * 56}…')


def test_a_value_too_long_to_show_is_cut() -> None:
    message = error(f'[repeat]\nwithin = "{"x" * 500}"')
    assert "repeat.within" in message
    assert "…" in message
    assert len(message) < 200


def test_two_people_are_asked_for_by_a_section_of_their_own() -> None:
    assert read("[closure]\ntwo_people = true").two_people_close
    assert read("[closure]\ntwo_people = false") == read("[closure]") == DOCUMENTED
    assert error('[closure]\ntwo_people = "yes"') == (
        'closure.two_people must be true or false, got "yes"'
    )


# The digest, and writing.


def test_two_files_that_say_the_same_are_one_policy_with_one_digest() -> None:
    hour = read('[unreachable]\nwithin = "1h"')
    minutes = read('[unreachable]\nwithin = "60m"\n[repeat]\ncount = 3')
    assert hour == minutes == DOCUMENTED
    assert hour.digest == minutes.digest
    assert hour.digest.startswith("sha256:")


@pytest.mark.parametrize(
    "other",
    [
        {"repeat_count": 4},
        {"repeat_within": timedelta(hours=25)},
        {"unreachable_within": timedelta(minutes=59)},
        {"suspend_for": timedelta(hours=11)},
        {"min_attempts": 1},
        {"run_count": 2},
        {"run": "total"},
        {"removal_within": timedelta(hours=1)},
        {"two_people_close": True},
    ],
)
def test_another_number_is_another_version(other: dict[str, Any]) -> None:
    assert Policy(**other).digest != DOCUMENTED.digest


def test_the_documented_version_does_not_change_by_accident() -> None:
    # Entries of databases in use hold it; a new way to digest would orphan them.
    assert DOCUMENTED.digest == (
        "sha256:cd05b00a5898fc010cb66b21bdbeb76bcea3c8d5af8da0ea33c070021c4d5ffd"
    )


_durations = st.integers(min_value=1, max_value=int(MAX_DURATION.total_seconds())).map(
    lambda seconds: timedelta(seconds=seconds)
)
_counts = st.integers(min_value=1, max_value=1_000)


@given(
    st.builds(
        Policy,
        repeat_count=_counts,
        repeat_within=_durations,
        unreachable_within=_durations,
        suspend_for=_durations,
        min_attempts=st.integers(min_value=0, max_value=1_000),
        run_count=_counts,
        run=st.sampled_from(["consecutive", "total"]),
        removal_within=st.none() | _durations,
        two_people_close=st.booleans(),
    )
)
def test_a_policy_written_as_toml_reads_back_unchanged(policy: Policy) -> None:
    assert read(policy.toml()) == policy
    assert from_document(policy.document()) == policy
    assert read(policy.toml()).digest == policy.digest
