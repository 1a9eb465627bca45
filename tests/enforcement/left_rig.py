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
    """A panel that reports the state of sites, unless `mute`; it breaks at `bad` sites.

    While it `fails` it does nothing.
    """

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
def left_down_app(db_url: str, panel: Panel) -> Iterator[App]:
    """An app with three sites whose record has lost a court's order, and the end of a hold."""
    app = App(sources.load(db=db_url))
    for name in NAMES:
        give(app, name, c.AddSite(by="operator-1"))
    hold(app, HELD)
    deliver(app)
    panel.sites = {COURT: "suspended", SHOP: "active", HELD: "active"}
    panel.seen.clear()
    yield app
    app.close()


def lose(app: App, cause: str = ENTRIES_LOST, by: str = DAEMON) -> None:
    """The record goes on from less; a person says why."""
    reason = None if by == DAEMON else "the disk is gone"
    why = Resumption(cause=cause, by=by, reason=reason)
    app.desk.on_record(lambda connection: resumption.resume(connection, why, clock.now))


def run_daemons(app: App, *duties: Recovery) -> None:
    """Run daemons until nothing is left to do."""
    for _round in range(3):
        for duty in duties or (Recovery(app),):
            duty.recover()
            deliver(app)


def recover(app: App) -> None:
    """A person goes on, and all is compared."""
    lose(app, ASKED, by="sre-1")
    for _ in comparison.compare_sites(app.engine, app.desk, app.reading, by="sre-1", login=None):
        pass


def left_down_health(app: App) -> Any:
    """The health of the record as to sites that are left down."""
    with app.reading() as connection:
        found = record_health(connection, app.now(connection))["left_down"]
    return found or {"sites": []}


def left_down_sites(app: App) -> list[str]:
    """The sites that people are told of."""
    return list(left_down_health(app)["sites"])


def advance_clock(monkeypatch: pytest.MonkeyPatch, time: timedelta) -> None:
    ahead = clock.now() + time - datetime.now(UTC)
    monkeypatch.setattr(clock, "source", lambda: datetime.now(UTC) + ahead)


def is_proved(app: App) -> bool:
    return standing(app).unproved_since is None


def repair(app: App, *names: str) -> None:
    app.compare(names, by="sre-1", login=None, key=None, repair=True)


def suspend(app: App, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is reached within the hour (R2)."""
    give(app, name, c.Log(by="operator-1", at=None))
    advance_clock(monkeypatch, timedelta(hours=1, seconds=1))
    elapse(app, name)


def elapse(app: App, name: str) -> None:
    give(app, name, c.Elapse())
