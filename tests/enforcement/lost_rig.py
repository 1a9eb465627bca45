"""A desk whose database is put back as it was before, and a receiver by the documented rule."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from incidents import clock
from incidents.app import App
from incidents.audit.replay import Replay
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.desk.resumption import ASKED, Resumption
from incidents.enforcement import comparison
from incidents.enforcement.continuity import Continuity, HaltedError
from incidents.enforcement.mark import MarkFile
from incidents.enforcement.port import Delivered, Order, Outcome, State
from incidents.machine import commands as c
from incidents.machine.command import FORCE
from incidents.settings import sources
from incidents.store import lineage
from incidents.store.database.engine import writing
from incidents.store.lineage import Standing
from incidents.store.schema.desk_tables import desk as desk_row
from incidents.store.schema.tables import sites
from incidents.views.left_down import resumptions

THREE = ("one.example", "two.example", "three.example")


class Receiver:
    """By the rule that is documented: it leaves alone what is not higher than what it has seen."""

    name = "panel"

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}
        self.sites: dict[str, str] = {}

    def deliver(self, order: Order) -> Outcome:
        if order.seq > self.seen.get(order.site_id, 0):
            self.seen[order.site_id] = order.seq
            self.sites[order.site] = FORCE[order.kind]
        return Delivered()

    def state(self, site: str) -> State | None:  # noqa: ARG002 - it cannot be asked
        return None


class Letters:
    """A channel to customers, or to the desk, as it is set up; what it has sent, by site."""

    name, is_set_up = "mail", True

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int]] = []

    def deliver(self, order: Order) -> Outcome:
        self.sent.append((order.site, order.id, order.seq))
        return Delivered()

    def state(self, site: str) -> State | None:
        raise NotImplementedError(site)


# ── A database, and its end


@contextmanager
def desk(folder: Path) -> Iterator[App]:
    house = App(sources.load(db=f"sqlite:///{folder}/desk.db"), create=True)
    yield house
    house.close()


def copy(folder: Path) -> None:
    shutil.copy(folder / "desk.db", folder / "older.db")


def put_back(folder: Path) -> None:
    """The older copy takes the place of the database."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"desk.db{suffix}").unlink(missing_ok=True)
    shutil.copy(folder / "older.db", folder / "desk.db")


@contextmanager
def losing(folder: Path) -> Iterator[App]:
    """What is done in it is lost: the copy of before takes the place of the database."""
    copy(folder)
    with desk(folder) as house:
        yield house
    put_back(folder)


def two_copies(folder: Path) -> tuple[Path, Path]:
    """The folders of two databases with one history, in which there is one site."""
    one, two = folder / "one", folder / "two"
    for each in (one, two):
        each.mkdir()
    with desk(one) as house:
        give(house, "one.example", c.AddSite(by="operator-1"))
        carry_out(house)
    shutil.copy(one / "desk.db", two / "desk.db")
    return one, two


def move(house: App, n: int = 1) -> None:
    """The database is on another server now than it was known to be on."""
    with writing(house.engine) as connection:
        connection.execute(update(desk_row).values(lineage=f"7/{n:08}"))


# ── What people and daemons do


def give(house: App, name: str, *commands: c.Command) -> None:
    for command in commands:
        [answer] = house.desk.submit([Envelope(site=name, command=command)])
        assert answer.refusal is None, answer.refusal


def hold(house: App, name: str) -> None:
    give(house, name, c.SetHold(by="operator-1", reason="by order of a court"))


def lift(house: App, name: str) -> None:
    give(house, name, c.LiftHold(by="operator-1", reason="the order has ended"))


def carry_out(house: App) -> None:
    """What a daemon does until there is nothing left to do."""
    deliver(house)
    recovery_duty.once(house, lambda: deliver(house))


def deliver(house: App) -> None:
    delivery = Delivery(house, decided=lambda _: None)
    delivery.run()
    assert delivery.errors == []
    delivery.close()


def on_host(monkeypatch: pytest.MonkeyPatch, folder: Path, name: str) -> None:
    """The daemon runs on that host from now on, which has a mark of its own."""
    monkeypatch.setenv("INCIDENTS_AUDIT_KEY", str(folder / name / "audit.key"))


def continuity(house: App, folder: Path) -> Continuity:
    return Continuity(house.engine, house.desk, folder / "audit.key.mark", clock.now)


def recover(house: App, folder: Path, who: str = "sre-1") -> None:
    continuity(house, folder).resume(Resumption(cause=ASKED, by=who, reason="the disk is gone"))


def go_on(house: App, folder: Path) -> None:
    """A person recovers all of it, and a daemon carries out what that orders."""
    recover(house, folder)
    for _ in comparison.compare_sites(
        house.engine, house.desk, house.reading, by="sre-1", login=None
    ):
        pass
    carry_out(house)


# ── What can be seen of it


def mark_of(house: App, folder: Path) -> MarkFile:
    with house.reading() as connection:
        return MarkFile(folder / "audit.key.mark", lineage.read(connection).identity)


def halted(house: App) -> HaltedError | None:
    """Why a daemon that looks carries nothing out, where it is so."""
    delivery = Delivery(house, decided=lambda _: None)
    delivery.run()
    delivery.close()
    error = next(iter(delivery.errors), None)
    assert error is None or isinstance(error, HaltedError), error
    return error


def record(house: App) -> dict[str, tuple[str, str]]:
    """What is ordered of each site, and what is believed to be in force."""
    with house.reading() as connection:
        rows = connection.execute(sites.select()).all()
        assert list(Replay(connection).findings()) == []
    return {row.name: (row.state, row.in_force) for row in rows}


def standing(house: App) -> Standing:
    with house.reading() as connection:
        return lineage.standing(connection)


def begun(house: App) -> list[str]:
    """Why each of its epochs has begun; nothing is left to be compared with the world."""
    with house.reading() as connection:
        assert lineage.standing(connection).unproved_since is None
        return [each.cause for each in resumptions(connection)]


def lost(folder: Path) -> App:
    """Three sites, the record of which has lost its end: holds that were lifted again."""
    with desk(folder) as house:
        for name in THREE:
            give(house, name, c.AddSite(by="operator-1"))
            hold(house, name)
        carry_out(house)
    with losing(folder) as house:
        for name in THREE:
            lift(house, name)
        carry_out(house)
    house = App(sources.load(db=f"sqlite:///{folder}/desk.db"))
    deliver(house)
    return house
