"""Fixtures of the tests of the console: a desk for each, and one browser for a worker."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import browser as browsers
from tests.browser import Chromium
from tests.console.customers import SETTINGS, Customers
from tests.served_desk import ConsoleDesk, open_desk, serving


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    with browsers.chromium() as running:
        yield running


@pytest.fixture
def browser(chromium: Chromium) -> Iterator[Chromium]:
    with chromium.in_use():
        yield chromium


@pytest.fixture
def desk(db_url: str, tmp_path: Path) -> Iterator[ConsoleDesk]:
    """A desk whose application a test asks directly."""
    with open_desk(db_url, tmp_path, as_=ConsoleDesk) as opened:
        yield opened


@pytest.fixture
def served_desk(desk: ConsoleDesk) -> Iterator[ConsoleDesk]:
    """The same, as a server on the loopback."""
    with serving(desk):
        yield desk


@pytest.fixture
def served(db_url: str, tmp_path: Path) -> Iterator[Customers]:
    """A server that customers ask."""
    with open_desk(db_url, tmp_path, SETTINGS, as_=Customers) as opened, serving(opened):
        yield opened
