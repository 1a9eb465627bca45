"""The section [inbox] of the settings."""

from datetime import timedelta
from typing import Any

import pytest

from incidents.errors import IncidentsError
from incidents.settings import inbox


@pytest.mark.parametrize(
    ("given", "within"),
    [
        ({}, timedelta(hours=1)),
        ({"triage_within": "20m"}, timedelta(minutes=20)),
        ({"triage_within": ""}, None),
    ],
    ids=["not set", "set", "turned off"],
)
def test_a_report_may_wait_for_triage_as_long_as_the_desk_says(
    given: dict[str, Any], within: timedelta | None
) -> None:
    assert inbox.read(given).triage_within == within


@pytest.mark.parametrize("value", ["1s", "31d", "an hour", 0, False, 60])
def test_another_time_for_triage_is_refused_with_what_it_must_be(value: object) -> None:
    with pytest.raises(IncidentsError, match=r'triage_within.*such as "1h", from 1m to 720h'):
        inbox.read({"triage_within": value})
