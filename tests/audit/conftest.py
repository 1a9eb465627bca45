"""What the tests of the log stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.testing import rehearsal
from tests.audit.log_house import START, House


@pytest.fixture
def house(db_url: str, tmp_path: Path) -> Iterator[House]:
    """A desk with a log, on both databases in turn, at a time that stands still."""
    with rehearsal(START) as time:
        found = House(db_url, tmp_path, time)
        yield found
        found.engine.dispose()
