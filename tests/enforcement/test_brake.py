"""The brake: where too many sites are taken down at once, the world waits for a supervisor."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from incidents.desk import Envelope
from incidents.enforcement.exclusions import Exclusions
from incidents.enforcement.round import Round
from incidents.enforcement.waiting import Brake
from incidents.machine import commands as c
from incidents.store.database.engine import writing
from incidents.store.leases import Claimed, Key
from tests.desk.rehearsal import Rehearsal
from tests.enforcement.dispatcher_rig import StubAdapter, dispatcher, kinds, to_its_end
from tests.store.order_rows import claim_due


@dataclass
class World:
    """A desk of four sites, a panel that takes down two in ten minutes, and a mail server."""

    day: Rehearsal
    brake: Brake = field(default_factory=lambda: Brake(count=2, within=timedelta(minutes=10)))
    panel: StubAdapter = field(default_factory=lambda: StubAdapter("panel"))
    mail: StubAdapter = field(default_factory=lambda: StubAdapter("mail"))

    def do(self, command: c.Command, *sites: str) -> None:
        """Of each, in one transaction."""
        asked = [Envelope(site=f"{each}.example", command=command) for each in sites]
        assert [answer.refusal for answer in self.day.desk.submit(asked)] == [None] * len(sites)

    def close(self, *sites: str) -> None:
        self.do(c.StateFalse(by="li", field="phone", evidence="rings elsewhere"), *sites)

    def hold(self, *sites: str) -> None:
        self.do(c.SetHold(by="li", reason="by order"), *sites)

    def open(self, *sites: str) -> None:
        self.do(c.AskReinstatement(by="li", reason="wrong"), *sites)
        self.do(c.Approve(by="wang"), *sites)

    def carry_out(self) -> None:
        own = dispatcher(self.day, self.panel, lanes=self.mail)
        to_its_end(Round(replace(own, brake=self.brake)))

    @property
    def down(self) -> list[str]:
        """Which sites were really taken down, in order."""
        return _names(self.panel)

    @property
    def notified(self) -> list[str]:
        """Of which sites the customer was told that they are down."""
        return _names(self.mail)

    @property
    def braked(self) -> list[str]:
        rows = self.day.rows(
            "SELECT name FROM deliveries JOIN sites ON sites.id = site_id"
            " WHERE dead AND problem = 'braked' AND lane = 'act' ORDER BY name"
        )
        return [str(name).removesuffix(".example") for (name,) in rows]

    def cancelling(self, site: str) -> str | None:
        """The name of the refusal that it comes to, to cancel what waits of that site."""
        command = c.CancelOrder(
            by="wang", order=self.order(site), lane="act", why="by_hand", reason="no"
        )
        return self.day.refused(command, f"{site}.example")

    def claim(self, site: str, kind: str) -> None:
        """A courier has taken that order into the world in hand, and nothing has come of it yet."""
        with writing(self.day.engine) as connection:
            [claimed] = claim_due(connection, "one", now=self.day.now, most=1)
        assert (claimed.site, claimed.kind) == (f"{site}.example", kind)

    def order(self, site: str) -> int:
        """The number of what is not settled of that site in the world."""
        [number] = {n for n, lane in self.day.orders(f"{site}.example") if lane == "act"}
        return number


def _names(told: StubAdapter) -> list[str]:
    return [o.site.removesuffix(".example") for o in told.got if o.kind in ("suspend", "close")]


@pytest.fixture
def world(day: Rehearsal) -> World:
    day.add("b.example", "c.example", "d.example")
    return World(day)


def test_beyond_so_many_in_that_time_the_world_waits_and_the_record_does_not(world: World) -> None:
    world.close("a", "b", "c", "d")
    world.carry_out()
    assert (world.down, sorted(world.notified), world.braked) == (
        ["a", "b"],
        ["a", "b"],
        ["c", "d"],
    )
    states = world.day.rows("SELECT name, state, in_force FROM sites ORDER BY name")
    assert states[2:] == [(f"{n}.example", "closed", "active") for n in "cd"]
    assert kinds(world.day).count("order_failed") == 4
    assert world.day.findings() == []


def test_what_is_ordered_further_apart_is_not_held(world: World) -> None:
    for site in "abcd":
        world.close(site)
        world.carry_out()
        world.day.later(minutes=5)
    assert world.down == [*"abcd"]


def test_while_the_brake_holds_anything_it_holds_all_that_is_ordered(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    world.day.later(hours=1)
    world.close("d")
    world.carry_out()
    assert world.braked == ["c", "d"]


def test_what_is_released_is_carried_out_and_told_whatever_else_is_held(world: World) -> None:
    world.close("a", "b", "c", "d")
    world.carry_out()
    world.do(c.RetryOrder(by="wang", order=world.order("c"), lane="act"), "c")
    world.carry_out()
    assert (world.down, world.braked) == ([*"abc"], ["d"])
    assert sorted(world.notified) == [*"abc"]


def test_what_is_released_days_later_is_told_all_the_same(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    world.day.later(days=2)
    world.do(c.RetryOrder(by="wang", order=world.order("c"), lane="act"), "c")
    world.carry_out()
    assert (world.down, sorted(world.notified)) == ([*"abc"], [*"abc"])


def test_of_what_is_cancelled_nobody_is_told_and_the_next_order_passes(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    order = world.order("c")
    world.do(c.CancelOrder(by="wang", order=order, lane="act", why="by_hand", reason="no"), "c")
    world.day.later(minutes=11)
    world.close("d")
    world.carry_out()
    assert world.down == ["a", "b", "d"]
    assert sorted(world.notified) == ["a", "b", "d"]


def test_an_opening_supersedes_what_waits_and_the_site_is_left_alone(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    world.open("c")
    world.carry_out()
    assert world.braked == []
    assert not any(order.site == "c.example" for order in world.panel.got)
    assert kinds(world.day)[-4:] == ["order_cancelled"] * 3 + ["order_delivered"]
    assert world.day.findings() == []


def test_an_opening_of_a_site_that_is_down_is_carried_out_behind_a_braked_closure(
    world: World,
) -> None:
    world.hold("c")
    world.carry_out()
    world.day.later(seconds=1)
    world.close("a", "b", "c")
    world.carry_out()
    assert "c" in world.braked
    world.do(c.LiftHold(by="li", reason="lifted"), "c")
    world.open("c")
    world.carry_out()
    assert [o.kind for o in world.panel.got if o.site == "c.example"] == ["suspend", "reopen"]
    assert "c" not in world.braked


@pytest.mark.parametrize("lanes", [("act",), ("notice",)])
def test_a_courier_of_one_lane_holds_the_order_in_both(world: World, lanes: Sequence[str]) -> None:
    world.close("a", "b", "c")
    own = dispatcher(world.day, world.panel, lanes=world.mail)
    few = {lane: own.lanes[lane] for lane in lanes}
    to_its_end(Round(replace(own, brake=world.brake, lanes=few)))
    assert world.braked == ["c"]
    world.carry_out()
    assert (world.down, sorted(world.notified)) == (["a", "b"], ["a", "b"])


def test_who_is_down_already_has_their_notice_in_time(world: World) -> None:
    world.close("a")
    own = dispatcher(world.day, world.panel, lanes=world.mail)
    to_its_end(Round(replace(own, lanes={"act": own.lanes["act"]})))
    world.close("b", "c", "d")
    world.carry_out()
    assert world.braked == ["c", "d"]
    assert sorted(world.notified) == ["a", "b"]


def test_what_an_authority_has_ordered_goes_down_whatever_is_held_and_counts(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    world.hold("d")
    world.carry_out()
    assert (world.down, world.braked) == (["a", "b", "d"], ["c"])
    assert sorted(world.notified) == ["a", "b", "d"]


def test_a_hold_takes_down_what_the_brake_had_left_up(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()

    world.hold("c")
    world.carry_out()

    assert (world.down, world.braked) == (["a", "b", "c"], [])


def test_the_customer_is_told_of_the_closure_that_a_hold_carries_out(world: World) -> None:
    world.close("a", "b", "c")
    world.carry_out()
    assert sorted(world.notified) == ["a", "b"]

    world.hold("c")
    world.carry_out()

    assert sorted(world.notified) == ["a", "b", "c"]
    assert world.day.findings() == []


def test_the_brake_leaves_alone_what_waited_to_take_a_held_site_down(world: World) -> None:
    world.close("a", "b", "c")
    world.hold("c")

    world.carry_out()

    assert (sorted(world.down), world.braked) == (["a", "b", "c"], [])
    world.close("d")
    world.carry_out()
    assert world.braked == ["d"]


def test_what_a_courier_was_about_to_brake_goes_out_if_a_hold_comes_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.close("a", "b", "c")
    hold = Exclusions._record_braked

    def after_the_hold(self: Exclusions, found: list[Claimed]) -> set[Key]:
        if found:
            monkeypatch.undo()
            world.hold("c")
        return hold(self, found)

    monkeypatch.setattr(Exclusions, "_record_braked", after_the_hold)
    world.carry_out()
    assert (world.down, world.braked) == (["a", "b"], [])

    world.day.later(seconds=26)
    world.carry_out()

    assert world.down == ["a", "b", "c"]


def test_a_hold_takes_down_what_somebody_had_cancelled(world: World) -> None:
    world.close("a")
    assert world.cancelling("a") is None

    world.hold("a")
    world.carry_out()

    assert world.down == ["a"]


def test_nobody_cancels_the_order_that_takes_a_held_site_down(world: World) -> None:
    world.close("a")
    world.cancelling("a")
    world.hold("a")

    assert world.cancelling("a") == "order_of_hold"

    world.do(c.LiftHold(by="li", reason="withdrawn"), "a")
    assert world.cancelling("a") is None


def test_nor_while_somebody_has_an_order_to_open_it_in_hand(world: World) -> None:
    world.hold("a")
    world.carry_out()
    world.do(c.LiftHold(by="li", reason="withdrawn"), "a")
    world.claim("a", "reopen")
    world.hold("a")

    order = max(n for n, lane in world.day.orders("a.example") if lane == "act")
    command = c.CancelOrder(by="wang", order=order, lane="act", why="by_hand", reason="no")
    assert world.day.refused(command, "a.example") == "order_of_hold"


def test_what_a_hold_orders_of_a_site_that_is_down_is_not_held(world: World) -> None:
    world.close("a")
    world.carry_out()

    world.hold("a")
    assert [lane for _, lane in world.day.orders("a.example")] == ["act"]
    world.carry_out()

    assert world.day.orders("a.example") == []


def test_holds_count_for_what_is_no_hold(world: World) -> None:
    world.hold("a", "b")
    world.close("c")
    world.carry_out()
    assert (world.down, world.braked) == (["a", "b"], ["c"])


def test_what_is_ordered_once_more_is_neither_held_nor_counted(world: World) -> None:
    """Whoever it takes down was down before."""
    for site in "abc":
        world.close(site)
        world.carry_out()
        world.day.later(minutes=11)
    for site in "abc":
        seen = c.RecordState(
            by="wang", adapter="panel", seen="active", in_force="closed", last_act=2
        )
        world.do(seen, site)
    world.do(c.RepeatOrder(by="wang"), *"abc")
    world.close("d")
    world.carry_out()
    assert (world.down, world.braked) == ([*"abc", *"abcd"], [])


class DiedError(Exception):
    """What a courier dies of."""


@pytest.mark.both_databases
def test_a_courier_that_dies_before_its_holding_is_on_record_has_tried_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise DiedError

    world.close(*"abcd")
    with monkeypatch.context() as dying:
        dying.setattr(Exclusions, "_record_braked", die)
        with pytest.raises(DiedError):
            world.carry_out()
    assert world.down == []
    world.day.later(seconds=26)
    world.carry_out()
    assert (world.down, world.braked) == (["a", "b"], ["c", "d"])
    assert sorted(world.notified) == ["a", "b"]
    assert world.day.findings() == []


def test_without_a_brake_any_number_is_carried_out(world: World) -> None:
    world.close(*"abcd")
    to_its_end(Round(dispatcher(world.day, world.panel, lanes=world.mail)))
    assert world.down == [*"abcd"]
