"""A desk at ten in the morning, on both databases."""

from collections.abc import Iterator

import pytest

from tests.desk.rehearsal import Rehearsal, rehearsal


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A desk whose register has a.example and b.example."""
    with rehearsal(db_url) as day:
        day.add("a.example", "b.example")
        yield day
