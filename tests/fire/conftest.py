"""Fixtures of the tests under fire: a folder in memory."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.databases import memory_folder


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """It is written to thousands of times."""
    with TemporaryDirectory(prefix="incidents-faults-", dir=memory_folder()) as folder:
        yield Path(folder)
