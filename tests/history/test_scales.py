"""The scales of charts: their steps are round, and few."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.history.scales import steps


@pytest.mark.parametrize(
    ("highest", "values"),
    [
        (0, [0, 1]), (1, [0, 1]), (3, [0, 1, 2, 3]), (7, [0, 2, 4, 6, 8]),
        (23, [0, 5, 10, 15, 20, 25]), (1_001, [0, 500, 1_000, 1_500]),
    ],
)  # fmt: skip
def test_the_steps_are_round(highest: int, values: list[int]) -> None:
    assert steps(highest) == values


@given(st.integers(0, 10**9), st.integers(2, 8))
def test_the_highest_bar_fits_and_takes_more_than_half_of_the_scale(
    highest: int, most: int
) -> None:
    *_, last, top = steps(highest, most)
    assert last < max(highest, 1) <= top
    assert len(steps(highest, most)) <= most + 1
