"""The lost tail: what is ordered after a database was put back reaches receivers all the same."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from incidents import settings
from incidents.acts import routing
from incidents.acts.courier import Round
from incidents.acts.port import Delivered, Order, Outcome, State
from incidents.acts.routing import Routing
from incidents.audit.replay import Replay
from incidents.bootstrap import House
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.machine import commands as c
from incidents.machine.orders import FORCE
from incidents.store import lineage
from incidents.store.engine import writing
from incidents.store.tables import desk as desk_row
from incidents.store.tables import sites

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


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Receiver:
    found = Receiver()
    monkeypatch.setattr(routing, "load", lambda: Routing(default=found))
    return found


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
    for duty in (deliver, recovery_duty.once, deliver):
        duty(house)


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


def epoch(house: House) -> int:
    """That of the history, which nothing is left to be compared with."""
    with house.reading() as connection:
        found = lineage.look(connection)
    assert found.unproved_since is None
    return found.epoch


def test_three_holds_after_an_older_copy_was_put_back_take_their_sites_down(
    tmp_path: Path, receiver: Receiver
) -> None:
    with desk(tmp_path) as house:
        for name in THREE:
            give(house, name, c.AddSite(by="operator-1"))
        carry_out(house)
    copy(tmp_path)
    with desk(tmp_path) as house:
        for name in THREE:
            hold(house, name)
            carry_out(house)
            lift(house, name)
            carry_out(house)
    assert set(receiver.sites.values()) == {"active"}
    put_back(tmp_path)

    with desk(tmp_path) as house:
        for name in THREE:
            hold(house, name)
        carry_out(house)

        assert record(house) == dict.fromkeys(THREE, ("suspended", "suspended"))
        assert receiver.sites == dict.fromkeys(THREE, "suspended")
        assert epoch(house) == 1


def test_what_was_done_in_the_world_for_what_is_lost_is_undone(
    tmp_path: Path, receiver: Receiver
) -> None:
    """Without a further act: what stands in the world stands there for no reason any more."""
    with desk(tmp_path) as house:
        for name in THREE:
            give(house, name, c.AddSite(by="operator-1"))
        hold(house, "one.example")
        carry_out(house)
    copy(tmp_path)
    with desk(tmp_path) as house:
        lift(house, "one.example")
        hold(house, "two.example")
        carry_out(house)
    assert receiver.sites == {"one.example": "active", "two.example": "suspended"}
    put_back(tmp_path)

    with desk(tmp_path) as house:
        carry_out(house)
        carry_out(house)

        assert receiver.sites == {
            "one.example": "suspended", "two.example": "active", "three.example": "active",
        }  # fmt: skip
        assert record(house) == {
            "one.example": ("suspended", "suspended"), "two.example": ("active", "active"),
            "three.example": ("active", "active"),
        }  # fmt: skip
        assert epoch(house) == 1, "what is found once is no news"


def test_on_another_server_no_order_goes_out_before_a_new_epoch_has_begun(
    postgresql_url: str, receiver: Receiver
) -> None:
    """As after a failover: the history is whole, as far as anybody knows."""
    house = House(settings.load(db=postgresql_url))
    give(house, "one.example", c.AddSite(by="operator-1"))
    carry_out(house)
    assert epoch(house) == 0
    with writing(house.engine) as connection:
        connection.execute(update(desk_row).values(lineage="7/00000001"))
    hold(house, "one.example")
    courier = Delivery(house, decided=lambda _: None)
    courier._read()
    round_ = Round(courier._courier())
    round_.run()
    round_.close()
    assert receiver.seen == {}, "whose server it is nobody has looked at"

    carry_out(house)

    assert receiver.sites == {"one.example": "suspended"}
    assert receiver.seen == {1: 10**12 + receiver.seen[1] % 10**12}
    assert epoch(house) == 1
    house.close()
