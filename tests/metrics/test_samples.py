"""The histogram counts each value in every bucket that it fits into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.metrics.samples import Histogram

BOUNDS = (0.1, 1.0, 5.0)
SECONDS = st.floats(min_value=0, max_value=100, allow_nan=False)


@given(st.lists(SECONDS | st.sampled_from(BOUNDS)))
def test_each_bucket_has_what_is_at_or_below_its_bound(values: list[float]) -> None:
    histogram = Histogram(*BOUNDS)
    for value in values:
        histogram.observe(value)

    assert list(histogram.buckets()) == [
        (bound, sum(value <= bound for value in values)) for bound in (*BOUNDS, float("inf"))
    ]
    assert histogram.count == len(values)
    assert histogram.sum_s == pytest.approx(sum(values))


def test_a_copy_stays_as_it_is() -> None:
    histogram = Histogram(*BOUNDS)
    histogram.observe(0.5)
    copy = histogram.copy()
    histogram.observe(0.5)
    assert (copy.count, copy.sum_s) == (1, 0.5)
    assert (histogram.count, histogram.sum_s) == (2, 1.0)
