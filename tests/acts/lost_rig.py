"""A desk whose database is put back as it was before, and a receiver by the documented rule."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incidents import settings
from incidents.acts.port import Delivered, Order, Outcome, State
from incidents.audit.replay import Replay
from incidents.bootstrap import House
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.in_force import FORCE
from incidents.store import lineage
from incidents.store.lineage import Standing
from incidents.store.tables import sites
from incidents.views.history import resumptions

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


@contextmanager
def desk(folder: Path) -> Iterator[House]:
    house = House(settings.load(db=f"sqlite:///{folder}/desk.db"), makes=True)
    yield house
    house.close()


def copy(folder: Path) -> None:
    shutil.copy(folder / "desk.db", folder / "older.db")


def put_back(folder: Path) -> None:
    """The older copy takes the place of the database."""
    for suffix in ("", "-wal", "-shm"):
        (folder / f"desk.db{suffix}").unlink(missing_ok=True)
    shutil.copy(folder / "older.db", folder / "desk.db")


def give(house: House, name: str, *commands: c.Command) -> None:
    for command in commands:
        [answer] = house.desk.submit([Envelope(site=name, command=command)])
        assert answer.refusal is None, answer.refusal


def hold(house: House, name: str) -> None:
    give(house, name, c.SetHold(by="operator-1", reason="by order of a court"))


def lift(house: House, name: str) -> None:
    give(house, name, c.LiftHold(by="operator-1", reason="the order has ended"))


def carry_out(house: House) -> None:
    """What a daemon does until there is nothing left to do."""
    deliver(house)
    recovery_duty.once(house, lambda: deliver(house))


def deliver(house: House) -> None:
    delivery = Delivery(house, decided=lambda _: None)
    delivery.run()
    assert delivery.errors == []
    delivery.close()


def record(house: House) -> dict[str, tuple[str, str]]:
    """What is ordered of each site, and what is believed to be in force."""
    with house.reading() as connection:
        rows = connection.execute(sites.select()).all()
        assert list(Replay(connection).findings()) == []
    return {row.name: (row.state, row.in_force) for row in rows}


def standing(house: House) -> Standing:
    with house.reading() as connection:
        return lineage.standing(connection)


def begun(house: House) -> list[str]:
    """Why each of its epochs has begun; nothing is left to be compared with the world."""
    with house.reading() as connection:
        assert lineage.standing(connection).unproved_since is None
        return [each.cause for each in resumptions(connection)]


def lost(folder: Path) -> House:
    """Three sites, the record of which has lost its end: holds that were lifted again."""
    with desk(folder) as house:
        for name in THREE:
            give(house, name, c.AddSite(by="operator-1"))
            hold(house, name)
        carry_out(house)
    copy(folder)
    with desk(folder) as house:
        for name in THREE:
            lift(house, name)
        carry_out(house)
    put_back(folder)
    house = House(settings.load(db=f"sqlite:///{folder}/desk.db"))
    deliver(house)
    return house
