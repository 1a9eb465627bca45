"""What the tests of the log stand on: a desk with a log, and records that bundles are made of."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.testing import rehearsal
from tests.audit import bundles
from tests.audit.bundles import LOG, NEXT, Desk
from tests.audit.log_house import START, House
from tests.databases import SqliteDatabases, memory_folder


@pytest.fixture
def house(db_url: str, tmp_path: Path) -> Iterator[House]:
    """A desk with a log, on both databases in turn, at a time that stands still."""
    with rehearsal(START) as time:
        found = House(db_url, tmp_path, time)
        yield found
        found.engine.dispose()


@pytest.fixture(scope="module")
def desk(sqlite_databases: SqliteDatabases) -> Desk:
    """Twenty entries of a real desk."""
    with sqlite_databases.at_head() as url:
        return bundles.a_day(url)


@pytest.fixture(scope="module")
def rotated(desk: Desk) -> Desk:
    """The same, with the entry that hands over to another key behind it."""
    return bundles.handed_over(desk, LOG, NEXT)


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    """A folder that thousands of changed bundles are written to."""
    made = tempfile.mkdtemp(prefix="incidents-bundles-", dir=memory_folder())
    yield Path(made)
    shutil.rmtree(made)
