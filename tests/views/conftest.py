"""The fixtures of the views' tests: a day at a desk, on both databases."""

from collections.abc import Iterator

import pytest

from tests.views.day import Day
from tests.views.day import day as beginning


@pytest.fixture
def day(db_url: str) -> Iterator[Day]:
    with beginning(db_url) as begun:
        yield begun
