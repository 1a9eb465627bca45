"""Fixtures of the tests of the metrics."""

from collections.abc import Iterator

import pytest

from tests.desk.rehearsal import Rehearsal, rehearsal


@pytest.fixture(autouse=True)
def _stops_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits half a second for an endpoint to see that it is to stop."""
    monkeypatch.setattr("incidents.metrics.endpoint.Endpoint.timeout", 0.02)


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A desk at ten in the morning, on both databases in turn."""
    with rehearsal(db_url) as begun:
        yield begun
