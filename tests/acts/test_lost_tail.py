"""The lost tail: what is ordered after a database was put back reaches receivers all the same."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import make_url, update

from incidents import clock, settings
from incidents.acts import recovery, routing
from incidents.acts.continuity import Continuity
from incidents.acts.courier import Round
from incidents.acts.port import Delivered, Order, Outcome, State
from incidents.acts.routing import Routing
from incidents.audit.replay import Replay
from incidents.bootstrap import House
from incidents.daemon import recovery_duty
from incidents.daemon.delivery import Delivery
from incidents.desk import Envelope
from incidents.desk.resumption import ASKED, Resumption
from incidents.machine import commands as c
from incidents.machine.orders import FORCE
from incidents.store import lineage
from incidents.store.engine import writing
from incidents.store.entries import Newest
from incidents.store.tables import desk as desk_row
from incidents.store.tables import sites
from incidents.views.history import history

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


def compare(
    house: House, *, by: str, only: tuple[str, ...] = THREE, most: int = len(THREE)
) -> list[str]:
    """The recovery, which is ended when so many sites are compared; the verdicts."""
    asked = count()
    stopped = lambda: next(asked) >= most  # noqa: E731 - it is one
    compared = recovery.compared(
        house.engine, house.desk, house.reading, by=by, login=None, only=only, stopped=stopped
    )
    return [each.verdict for each in compared]


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


def test_a_recovery_that_was_ended_in_its_midst_is_brought_to_its_end_by_the_next_one(
    tmp_path: Path, receiver: Receiver
) -> None:
    house = lost(tmp_path)
    compare(house, by="daemon", most=1)
    deliver(house)
    assert sorted(receiver.sites.values()) == ["active", "active", "suspended"]

    carry_out(house)

    assert set(receiver.sites.values()) == {"suspended"}
    assert set(record(house).values()) == {("suspended", "suspended")}
    assert epoch(house) == 1
    house.close()


@pytest.mark.parametrize("is_delivered", [False, True])
def test_who_recovers_beside_a_daemon_orders_nothing_twice(
    tmp_path: Path, receiver: Receiver, *, is_delivered: bool
) -> None:
    house = lost(tmp_path)
    assert compare(house, by="daemon") == ["ordered_again"] * 3
    if is_delivered:
        deliver(house)
    seen = dict(receiver.seen)

    verdicts = compare(house, by="sre-1")

    assert verdicts == (["cannot_be_asked"] if is_delivered else ["waits"]) * 3
    carry_out(house)
    assert not is_delivered or receiver.seen == seen
    assert set(record(house).values()) == {("suspended", "suspended")}
    house.close()


def test_two_who_look_at_one_moment_order_a_site_once(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = lost(tmp_path)
    looked = Receiver.state

    def while_another_orders(self: Receiver, site: str) -> State | None:
        monkeypatch.setattr(Receiver, "state", looked)
        compare(house, by="daemon", only=THREE[:1])
        deliver(house)
        return looked(self, site)

    monkeypatch.setattr(Receiver, "state", while_another_orders)
    assert compare(house, by="sre-1", only=THREE[:1]) == ["waits"]
    carry_out(house)
    assert set(receiver.sites.values()) == {"suspended"}
    assert set(record(house).values()) == {("suspended", "suspended")}
    house.close()


def test_the_desk_is_told_of_what_is_missing_for_a_day_or_until_somebody_recovers(
    tmp_path: Path, receiver: Receiver
) -> None:
    """The world is compared within a second; what is missing has to be recorded again by people."""
    assert receiver.sites == {}
    house = lost(tmp_path)
    carry_out(house)
    assert epoch(house) == 1
    with house.reading() as connection:
        now = house.now(connection)
        told = history(connection, now)["lost_since"]
        assert told is not None
        assert history(connection, now + timedelta(hours=23))["lost_since"] == told
        assert history(connection, now + timedelta(hours=25))["lost_since"] is None
    mark = settings.data_folder() / "audit.key.mark"
    kept = Continuity(house.engine, house.desk, mark, clock.now)
    kept.resume(Resumption(cause=ASKED, by="sre-1", reason="the disk is gone"))
    carry_out(house)
    with house.reading() as connection:
        assert history(connection, now)["lost_since"] is None
    house.close()


def test_the_log_of_a_daemon_says_what_is_missing_and_what_was_done(
    tmp_path: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert receiver.sites == {}
    with desk(tmp_path) as house:
        give(house, "one.example", c.AddSite(by="operator-1"))
    copy(tmp_path)
    with desk(tmp_path) as house:
        hold(house, "one.example")
        carry_out(house)
    put_back(tmp_path)
    capsys.readouterr()
    with desk(tmp_path) as house:
        carry_out(house)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    told = {line["event"]: line for line in lines}
    lost = told["the record goes on from less than was known of it"]
    assert (lost["cause"], lost["had"]) == ("entries_lost", 2)
    compared = told["the world was compared with the record"]
    assert (compared["sites"], compared["orders"]) == (1, 1)


def test_a_database_of_the_same_name_on_other_hosts_has_lost_nothing(
    postgresql_url: str, tmp_path: Path
) -> None:
    """The mark is another's: a rehearsal's on a cluster of its own, say."""
    sockets = make_url(postgresql_url).query["host"]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.symlink_to(str(sockets))
    here, there = (
        House(settings.load(db=url))
        for url in (postgresql_url, postgresql_url.replace(str(sockets), str(elsewhere)))
    )
    mark = tmp_path / "audit.key.mark"
    kept = Continuity(here.engine, here.desk, mark, clock.now)
    kept.keep(lineage.Lineage(1, None, None, None), Newest(1_000, b"of what is lost"))
    assert kept.has_lost()
    assert not Continuity(there.engine, there.desk, mark, clock.now).has_lost()
    here.close()
    there.close()
