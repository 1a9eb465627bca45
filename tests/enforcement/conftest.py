"""Fixtures of the tests of the adapters: a desk, a clock, a PowerDNS."""

from collections.abc import Iterator

import pytest

from incidents.enforcement import routing
from incidents.enforcement.dispatcher import ConcurrencyLimit
from incidents.enforcement.routing import Routing
from tests.desk.rehearsal import Rehearsal, rehearsal
from tests.enforcement import powerdns_rig
from tests.enforcement.left_rig import Panel
from tests.enforcement.limit_rig import HANDS, Seconds
from tests.enforcement.lost_rig import Receiver
from tests.enforcement.powerdns_rig import PowerDns
from tests.outbound.rig import Authority


@pytest.fixture(scope="session")
def powered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PowerDns]:
    """A server for all of these tests."""
    # It is not killed, and need not write a test's temporary data durably.
    fast = "gsqlite3-pragma-synchronous=0"
    with powerdns_rig.serving(tmp_path_factory.mktemp("powerdns"), fast) as server:
        yield server


@pytest.fixture
def dns(powered: PowerDns) -> Iterator[PowerDns]:
    """The server without a zone."""
    yield powered
    powered.forget_zones()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority that no machine trusts."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def hands(seconds: Seconds) -> ConcurrencyLimit:
    return ConcurrencyLimit(HANDS, seconds=seconds)


@pytest.fixture
def day(db_url: str) -> Iterator[Rehearsal]:
    """A desk with one site."""
    with rehearsal(db_url) as found:
        found.add()
        yield found


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    """The receiver of the desk's orders."""
    found = Receiver()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


@pytest.fixture
def panel(monkeypatch: pytest.MonkeyPatch) -> Panel:
    """The receiver of the desk's orders, which also reports the state of sites."""
    found = Panel()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found
