"""Orders under fire: each comes to one end, none is missing, none is twice, none out of order."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.fire import deliveries
from tests.fire.deliveries_checker import check, figures
from tests.fire.deliveries_receiver import PLANS
from tests.fire.deliveries_scene import SECRET
from tests.fire.deliveries_world import Ordered, Site, World
from tests.fire.record import Entry

SEED = 20_261_124
ORDERS = 40
START = datetime(2026, 3, 2, 1, tzinfo=UTC)


def test_two_daemons_on_one_sqlite_file_carry_out_each_order_whoever_is_killed(
    tmp_path: Path,
) -> None:
    figures = deliveries.on_sqlite(SEED, tmp_path, ORDERS)

    assert_put_to_the_test(figures, ORDERS)


def assert_put_to_the_test(figures: Counter[str], wanted: int) -> None:
    """Without these, nothing was."""
    assert figures["orders"] >= wanted
    assert figures["orders delivered"] >= wanted / 4
    for figure in (
        "kills of daemons", "kills of the receiver", "pauses longer than a lease",
        "orders lifted before they were tried",
    ):  # fmt: skip
        assert figures[figure] >= 1, figure
    for kind in ("suspend", "reopen", "close"):
        assert figures[f"orders to {kind}"] >= 1, kind


# The checker itself, on a small world that is true, and on others that are not.


class Told:
    """A world in the making: what is ordered, what arrives, what goes on record."""

    def __init__(self) -> None:
        self.ledger: list[dict[str, Any]] = []
        self.orders: list[Ordered] = []
        self.entries: list[Entry] = []
        self._signer = Webhook(SECRET)

    def order(self, site: int, seq: int, kind: str, **data: Any) -> None:
        self.orders.append(
            Ordered(
                site_id=site, site=f"site-{site}.example", seq=seq, kind=kind, data=data,
                ordered_at=START,
            )
        )  # fmt: skip

    def arrive(self, id_: str, plan: str) -> None:
        [order] = [order for order in self.orders if order.id == id_]
        at = START + timedelta(seconds=len(self.ledger))
        body = json.dumps(order.message())
        headers = {
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._signer.sign(id_, at, body),
        }
        done = PLANS[plan][1].done
        self.ledger.append(
            {"id": id_, "at": at.isoformat(), "plan": plan, "done": done, "headers": headers,
             "body": body}
        )  # fmt: skip

    def settle(self, id_: str, kind: str, **data: Any) -> None:
        site = int(id_.partition("-")[0])
        self.entries.append(
            Entry(
                line=len(self.entries) + 1, site=f"site-{site}.example", site_id=site, site_seq=99,
                kind=kind, actor="courier", occurred_at=START, recorded_at=START, policy="",
                rule=None, reason={}, run=None, data={"order": id_, "lane": "act"} | data,
            )
        )  # fmt: skip


def true_world() -> World:
    """Four sites: one with a late arrival, one whose orders were lifted, one dead, one closed."""
    told = Told()
    for seq, kind in ((3, "suspend"), (5, "reopen"), (7, "suspend"), (9, "reopen")):
        told.order(1, seq, kind)
    told.order(2, 2, "suspend", incident="2-1", suspension="1")
    told.order(2, 4, "reopen", suspension="1")
    told.order(3, 2, "close", rule="false_info")
    told.order(4, 3, "close", rule="repeat")
    told.settle("2-o2", "order_cancelled", why="lifted")
    told.settle("2-o4", "order_cancelled", why="lifted")
    for id_, plan in (
        ("1-o3", "500"), ("1-o3", "ok"), ("1-o5", "done, and cut off"), ("3-o2", "429"),
        ("1-o5", "ok"), ("1-o7", "dropped"), ("1-o9", "ok"), ("4-o3", "slow"), ("3-o2", "410"),
        ("1-o7", "dawdling"), ("1-o3", "dawdling"),
    ):  # fmt: skip
        told.arrive(id_, plan)
    for id_ in ("1-o3", "1-o5", "1-o9", "4-o3"):
        told.settle(id_, "order_delivered", adapter="panel", attempts=1, enforced=True)
    told.settle("1-o7", "order_cancelled", why="lifted", tried=True)
    told.settle("3-o2", "order_failed", adapter="panel", attempts=2, problem="gone")
    states = (("active", "active"), ("active", "active"), ("closed", "unknown"), ("closed",) * 2)
    sites = [
        Site(id=n, name=f"site-{n}.example", state=state, in_force=in_force)
        for n, (state, in_force) in enumerate(states, start=1)
    ]
    # Where the lines stand that only name what was read, does not matter.
    read = [{"read": arrival["id"]} for arrival in told.ledger]
    return World(
        ledger=[*told.ledger, *read], orders=told.orders, entries=told.entries, sites=sites,
        secret=SECRET,
    )  # fmt: skip


def test_a_true_world_has_no_findings_and_its_late_arrivals_are_left_alone() -> None:
    world = true_world()

    assert check(world) == []
    seen = figures(world)
    assert seen["duplicates of the last one, left alone"] == 1
    assert seen["late arrivals, left alone"] == 1
    assert seen["late duplicates, left alone"] == 1
    # Its last request to arrive is a suspension, and the site is open.
    assert seen["sites wrong without the rule"] == 1


Falsify = Callable[[World], World]


def without(plan: str, id_: str) -> Falsify:
    return lambda world: replace(
        world, ledger=[a for a in world.ledger if (a.get("plan"), a.get("id")) != (plan, id_)]
    )


def unsettled(id_: str) -> Falsify:
    return lambda world: replace(
        world, entries=[entry for entry in world.entries if entry.data["order"] != id_]
    )


def settled(id_: str, **data: Any) -> Falsify:
    def falsify(world: World) -> World:
        entries = [
            replace(entry, data=entry.data | data) if entry.data["order"] == id_ else entry
            for entry in world.entries
        ]
        return replace(world, entries=entries)

    return falsify


def arrived(place: int, **what: Any) -> Falsify:
    def falsify(world: World) -> World:
        ledger = list(world.ledger)
        ledger[place] = ledger[place] | what
        return replace(world, ledger=ledger)

    return falsify


def moved(place: int, to: int) -> Falsify:
    def falsify(world: World) -> World:
        ledger = list(world.ledger)
        ledger.insert(to, ledger.pop(place))
        return replace(world, ledger=ledger)

    return falsify


def standing(site: int, **states: Any) -> Falsify:
    return lambda world: replace(
        world, sites=[replace(s, **states) if s.id == site else s for s in world.sites]
    )


def delivered_again(world: World) -> World:
    again = [entry for entry in world.entries if entry.kind == "order_delivered"][:1]
    return replace(world, entries=[*world.entries, *again])


def never_ordered(world: World) -> World:
    return replace(world, orders=[order for order in world.orders if order.id != "4-o3"])


def read_though_lifted(world: World) -> World:
    return replace(world, ledger=[*world.ledger, {"read": "2-o2"}])


def at_another_time(world: World) -> World:
    at = {"at": (START + timedelta(hours=1)).isoformat()}
    return replace(world, ledger=[a if "read" in a else a | at for a in world.ledger])


FALSIFIED: dict[str, tuple[Falsify, str]] = {
    "an order that came to no end": (unsettled("1-o9"), "1-o9: missing"),
    "an order that was delivered twice": (delivered_again, "1-o3: delivered 2 times"),
    "one that is on record and was not sent": (without("slow", "4-o3"), "4-o3: delivered by"),
    "one that nobody answered so": (arrived(7, plan="done, and 500"), "4-o3: delivered by"),
    "one that is gone, and was not answered so": (without("410", "3-o2"), "3-o2: gone by"),
    "one that was given up": (settled("3-o2", problem="http_500"), "3-o2: given up: http_500"),
    "one that was sent though it was lifted": (read_though_lifted, "2-o2: never tried by"),
    "one that was tried, and is said not to be": (
        settled("1-o7", tried=False), "1-o7: never tried by",
    ),
    "a request that nobody ordered": (never_ordered, "nobody has ordered it"),
    "a request under another name": (arrived(0, id="1-o5"), "goes by 1-o3"),
    "a body that was altered": (
        arrived(7, body='{"type":"order.reopen"}'), "No matching signature found",
    ),
    "a body that says something else": (
        arrived(7, body='{"type":"order.reopen"}'), "says {\"type\":\"order.reopen\"}",
    ),
    "a signature of another time": (at_another_time, "timestamp too old"),
    "a reopening before its suspension": (moved(4, 1), "1-o3: out of order"),
    "a suspension behind its reopening": (moved(6, 3), "1-o5: out of order"),
    "a site that stands otherwise at its receiver": (
        standing(4, in_force="active", state="active"), "is closed at its receiver",
    ),
    "a site that is not in force as it is ordered": (
        standing(1, in_force="suspended"), "suspended in force by the record",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", FALSIFIED)
def test_the_checker_finds(what: str) -> None:
    falsify, said = FALSIFIED[what]

    findings = check(falsify(true_world()))

    assert any(said in finding for finding in findings), findings
