"""What the tests of the machine stand on: a clock that each of them may freeze."""

from collections.abc import Iterator

import pytest

from tests.machine.history import clock_given_back


@pytest.fixture(autouse=True)
def _clock_given_back() -> Iterator[None]:
    with clock_given_back():
        yield
