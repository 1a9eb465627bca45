"""The world of deliveries at the end: what was ordered, what has arrived, what is on record of it.

Nothing else is trusted. The receiver's ledger has each request that was read, in the order of their
arrival, with what was done to it. The record has the orders, what became of each, and how each site
stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from incidents.clock import rfc3339
from incidents.store.schema.log_tables import orders as outbox
from incidents.store.schema.tables import sites
from tests.fire.deliveries_receiver import PLANS, answers_2xx, read
from tests.fire.deliveries_scene import SECRET
from tests.fire.record import Entry, moment
from tests.fire.record import read as read_record

STATES = {"suspend": "suspended", "reopen": "active", "close": "closed"}
GONE = 410

_SETTLES = {"order_delivered": "delivered", "order_failed": "dead", "order_cancelled": "cancelled"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordered:
    """An order: a row of the outbox."""

    site_id: int
    site: str
    seq: int
    kind: str
    data: dict[str, Any]
    ordered_at: datetime

    @property
    def id(self) -> str:
        """The order's id."""
        return f"{self.site_id}-o{self.seq}"

    def message(self) -> dict[str, Any]:
        """The message that the receiver must get, by the page on the webhook."""
        told = {name: str(value) for name, value in self.data.items() if value is not None}
        at = rfc3339(self.ordered_at)
        own = {
            "id": self.id, "kind": self.kind, "site": self.site, "site_id": str(self.site_id),
            "seq": str(self.seq), "ordered_at": at,
        }  # fmt: skip
        return {"type": f"order.{self.kind}", "timestamp": at, "data": told | own}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as the receiver wrote it down; `place` is its place in the ledger."""

    place: int
    id: str
    at: datetime
    plan: str
    done: bool
    headers: dict[str, str]
    body: str

    @property
    def answered(self) -> bool:
        """Whether its client got the answer that it is done."""
        return answers_2xx(self.plan)

    @property
    def unwanted(self) -> bool:
        """Whether it got the message that nobody wants it."""
        return PLANS[self.plan][1].status == GONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A site's row at the end."""

    id: int
    name: str
    state: str
    in_force: str


@dataclass(slots=True)
class Fate:
    """The fate of an order, by the record."""

    settled: str = ""
    tried: bool = False
    problem: str = ""
    deliveries: int = 0
    retried: bool = False


@dataclass(frozen=True, kw_only=True)
class World:
    """All that is known at the end. `orders` are those into the world, `secret` the receiver's."""

    ledger: Sequence[dict[str, Any]]
    orders: Sequence[Ordered]
    entries: Sequence[Entry]
    sites: Sequence[Site]
    secret: str

    @cached_property
    def by_id(self) -> dict[str, Ordered]:
        """The orders by their names."""
        return {order.id: order for order in self.orders}

    @cached_property
    def arrivals(self) -> list[Arrival]:
        """The requests that something was done to, in order."""
        return [
            Arrival(place=place, **line | {"at": moment(line["at"])})
            for place, line in enumerate(self.ledger)
            if "read" not in line
        ]

    @cached_property
    def read(self) -> set[str]:
        """The names of all orders that the receiver has ever read, whatever it did then."""
        return {line["read"] for line in self.ledger if "read" in line}

    @cached_property
    def fates(self) -> dict[str, Fate]:
        """The fate of each order on record."""
        found = defaultdict[str, Fate](Fate)
        for entry in self.entries:
            if entry.data.get("lane") == "act" and entry.kind.startswith("order_"):
                _learn(found[f"{entry.site_id}-o{_number(entry)}"], entry)
        return found

    @cached_property
    def by_site(self) -> dict[int, list[Arrival]]:
        """The deliveries of each site's orders, in order, without strangers."""
        found = defaultdict[int, list[Arrival]](list)
        for arrival in self.arrivals:
            if arrival.id in self.by_id:
                found[self.by_id[arrival.id].site_id].append(arrival)
        return found

    def fate(self, id_: str) -> Fate:
        """The fate of an order; an empty one if it is not on record."""
        return self.fates.get(id_, Fate())

    def seq(self, arrival: Arrival) -> int:
        """The place of its order among those of the site."""
        return self.by_id[arrival.id].seq


def _learn(fate: Fate, entry: Entry) -> None:
    if entry.kind == "order_retried":
        fate.settled, fate.retried = "", True
        return
    fate.settled = _SETTLES[entry.kind]
    fate.deliveries += fate.settled == "delivered"
    # A delivered order, or one given up, does not say it.
    fate.tried = fate.settled != "cancelled" or entry.data.get("tried", False)
    fate.problem = entry.data.get("problem", "")


def _number(entry: Entry) -> int:
    return int(str(entry.data["order"]).rpartition("o")[2])


def world(engine: Engine, ledger: Path, exported: str) -> World:
    """The world of a database, the receiver's ledger and the export of the entries."""
    of, site = outbox.c, sites.c
    into_the_world = (
        select(of.site_id, site.name, of.site_seq, of.kind, of.data, of.created_at)
        .join(sites, site.id == of.site_id)
        .where(of.kind.in_(STATES))
        .order_by(of.site_id, of.site_seq)
    )
    named = ("site_id", "site", "seq", "kind", "data", "ordered_at")
    with engine.connect() as connection:
        ordered = connection.execute(into_the_world).all()
        standing = select(site.id, site.name, site.state, site.in_force)
        rows = connection.execute(standing).mappings().all()
    return World(
        ledger=read(ledger),
        orders=[Ordered(**dict(zip(named, row, strict=True))) for row in ordered],
        entries=list(read_record(exported.splitlines())),
        sites=[Site(**row) for row in rows],
        secret=SECRET,
    )
