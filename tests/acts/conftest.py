"""What the tests of the adapters share: a PowerDNS."""

from collections.abc import Iterator

import pytest

from tests.acts import powerdns_rig
from tests.acts.powerdns_rig import PowerDns


@pytest.fixture(scope="session")
def powered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    """A server for all of these tests."""
    # It is not killed, and need not write for good what a test has in it for a moment.
    fast = "gsqlite3-pragma-synchronous=0"
    with powerdns_rig.serving(tmp_path_factory.mktemp("powerdns"), fast) as server:
        yield server


@pytest.fixture
def dns(powered: PowerDns) -> Iterator[PowerDns]:
    """The server without a zone."""
    yield powered
    powered.forget_zones()
