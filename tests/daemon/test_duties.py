"""The duties beside the deadlines: when deliveries may begin."""

from collections.abc import Iterator
from threading import Event

import pytest

from incidents.app import App
from incidents.daemon import duties
from incidents.daemon.duties import DELIVERY, DeliveryDuties
from incidents.daemon.shared_status import SharedStatus


class Rounds(DeliveryDuties):
    """The duties of a daemon that has just started, with the rounds of its deliveries counted."""

    def __init__(self, app: App, shared: SharedStatus, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(app, shared, Event())
        self.count = 0
        monkeypatch.setattr(self._delivery, "run", self._counted)
        self.start()

    def deliver(self) -> int:
        """Run a round; return how many there have been so far."""
        _, run = self.by_name[DELIVERY]
        run()
        return self.count

    def _counted(self) -> None:
        self.count += 1


@pytest.fixture
def shared() -> SharedStatus:
    return SharedStatus()


@pytest.fixture
def started(app: App, shared: SharedStatus, monkeypatch: pytest.MonkeyPatch) -> Iterator[Rounds]:
    rounds = Rounds(app, shared, monkeypatch)
    yield rounds
    rounds.close()


def test_no_order_goes_out_before_what_fell_due_in_a_downtime_is_decided(
    started: Rounds, shared: SharedStatus
) -> None:
    """It may be for a suspension that is over by now."""
    before = started.deliver()
    shared.has_looked = True

    assert (before, started.deliver()) == (0, 1)


def test_a_clock_that_does_not_look_holds_orders_up_for_seconds_only(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(duties, "CLOCK_FIRST_S", 0.0)
    started = Rounds(app, SharedStatus(), monkeypatch)

    assert started.deliver() == 1
    started.close()
