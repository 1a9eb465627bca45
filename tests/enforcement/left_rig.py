"""A panel that tells how sites are, and a desk whose record has lost what it ordered there."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from incidents import clock
from incidents.app import App
from incidents.daemon.recovery_duty import Recovery
from incidents.desk import resumption
from incidents.desk.resumption import ASKED, ENTRIES_LOST, Resumption
from incidents.enforcement import comparison
from incidents.enforcement.port import Failed, Order, Outcome, State
from incidents.machine import commands as c
from incidents.machine.command import DAEMON
from incidents.settings import sources
from incidents.views.record_health import record_health
from tests.enforcement.lost_rig import Receiver, deliver, give, hold, standing

if TYPE_CHECKING:
    pass


NEW = "new.example"
COURT, SHOP, HELD = NAMES = ("court.example", "shop.example", "held.example")


class Panel(Receiver):
    """It tells how sites are, unless it is `mute`; it breaks at the sites that are `bad`, and does
    nothing while it `fails`."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.bad: set[str] = set()
        self.fails = self.mute = False

    def deliver(self, order: Order) -> Outcome:
        return Failed(problem="http_400") if self.fails else super().deliver(order)

    def state(self, site: str) -> State | None:
        self.asked.append(site)
        if site in self.bad:
            raise OSError("it breaks at this site")
        found: State = self.sites.get(site, "active")  # type: ignore[assignment]
        return None if self.mute else found


@contextmanager
def left_house(db_url: str, panel: Panel) -> Iterator[App]:
    """Of three sites one is held on record. A court's order against another one is lost, and so is
    that the hold was lifted: both stand in the world alone."""
    house = App(sources.load(db=db_url))
    for name in NAMES:
        give(house, name, c.AddSite(by="operator-1"))
    hold(house, HELD)
    deliver(house)
    panel.sites = {COURT: "suspended", SHOP: "active", HELD: "active"}
    panel.seen.clear()
    yield house
    house.close()


def lose(house: App, cause: str = ENTRIES_LOST, by: str = DAEMON) -> None:
    """The record goes on from less; a person says why."""
    reason = None if by == DAEMON else "the disk is gone"
    why = Resumption(cause=cause, by=by, reason=reason)
    house.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def rounds(house: App, *duties: Recovery) -> None:
    """What daemons do until there is nothing left to do."""
    for _round in range(3):
        for duty in duties or (Recovery(house),):
            duty.recover()
            deliver(house)


def recover(house: App) -> None:
    """A person goes on, and all is compared."""
    lose(house, ASKED, by="sre-1")
    for _ in comparison.compare_sites(
        house.engine, house.desk, house.reading, by="sre-1", login=None
    ):
        pass


def told(house: App) -> Any:
    """What people are told of the sites that are left down."""
    with house.reading() as connection:
        found = record_health(connection, house.now(connection))["left_down"]
    return found or {"sites": []}


def named(house: App) -> list[str]:
    """The sites that people are told of."""
    return list(told(house)["sites"])


def pass_by(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    ahead = clock.now() + time - datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + ahead)


def is_proved(house: App) -> bool:
    return standing(house).unproved_since is None


def repair(house: App, *names: str) -> None:
    house.compare(names, by="sre-1", login=None, key=None, repair=True)


def suspend(house: App, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is reached within the hour (R2)."""
    give(house, name, c.Log(by="operator-1", at=None))
    pass_by(monkeypatch, timedelta(hours=1, seconds=1))
    elapse(house, name)


def elapse(house: App, name: str) -> None:
    give(house, name, c.Elapse())
