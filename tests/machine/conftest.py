"""What the tests of the machine stand on: a clock that each of them may freeze and set."""

from collections.abc import Iterator

import pytest

from tests.machine.history import clock_given_back


# Of a module and not of a test: to freeze the clock takes ten times as long as most of the tests.
@pytest.fixture(autouse=True, scope="module")
def _clock_given_back() -> Iterator[None]:
    with clock_given_back():
        yield
