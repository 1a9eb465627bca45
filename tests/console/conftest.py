"""What the tests of the console stand on: served pages, on both databases in turn."""

from collections.abc import Iterator

import pytest

from tests.console.rig import Served, serving
from tests.databases import Databases, SqliteDatabases


@pytest.fixture(scope="module")
def served(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One process for a module's tests, each of which has sites of its own."""
    with databases.at_head() as url, serving(url, tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture(scope="module")
def page(
    sqlite_databases: SqliteDatabases, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The same on SQLite alone, for what no database has a part in."""
    folder = tmp_path_factory.mktemp("page")
    with sqlite_databases.at_head() as url, serving(url, folder) as running:
        yield running
