"""After a loss: which orders wait until their site is compared, and which sites stay down.

What is in force on record was so before the loss. Once an order of the new epoch was carried out,
nobody could tell any more what had been down for a reason that is lost. What was lost may be a
court's order, and the clock knows nothing of it: a person holds the site or has it opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from sqlalchemy import Connection, Engine

from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN
from incidents.machine.command import LEFT_DOWN
from incidents.machine.in_force import DOWN
from incidents.machine.orders import ACT, NOTICE
from incidents.store.cases import sites as site_rows
from incidents.store.database.engine import plainly, reading
from incidents.store.orders import deliveries
from incidents.store.orders.leases import Claimed
from incidents.store.record import lineage, uncompared
from incidents.values.ids import ACT as ACT_LANE
from incidents.views.left_down import marked

Compare = Callable[[Sequence[str]], AbstractSet[str]]
"""Compares sites, by their names, with the world, and puts on record how they are; returns those
that could be compared, without those whose adapter had a fault."""


class FirstLook:
    """Which sites were compared in the epoch that runs; `compare` looks at others."""

    def __init__(self, engine: Engine, compare: Compare) -> None:
        self._engine, self._compare = engine, compare
        self._epoch = 0
        self._seen: set[int] = set()

    def to_wait(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Looks at the sites of those orders, unless the world is as the record says. Returns those
        that wait until their sites could be compared: all but what takes one down that is held or
        closed on record. So do the letters of what is not done: they would say what may never
        be."""
        new = self._new(claimed)
        if not new:
            return []
        seen = self._compare(sorted({each.site for each in new}))
        self._seen |= {each.site_id for each in new if each.site in seen}
        return [each for each in new if each.site not in seen and _waits(each)]

    def _new(self, claimed: Sequence[Claimed]) -> list[Claimed]:
        """Those for the world, and their letters, whose sites were not compared."""
        with plainly(self._engine), reading(self._engine) as connection:
            standing = lineage.standing(connection)
            if standing.unproved_since is None:
                return []
            told_of = {each.site_id for each in claimed if each.lane == NOTICE}
            chains = deliveries.chains(connection, told_of)
            if standing.epoch != self._epoch:
                self._epoch, self._seen = standing.epoch, set()
            unseen = {each.site_id for each in claimed} - self._seen
            # The recovery may have looked before, and an adapter may fail since.
            self._seen |= uncompared.compared(connection, standing, unseen)
        undone = {(site_id, each.order) for site_id, each in chains if not each.dead}
        return [
            each
            for each in claimed
            if each.site_id not in self._seen
            and (each.lane == ACT or (each.lane == NOTICE and (each.site_id, each.seq) in undone))
        ]


def _waits(claimed: Claimed) -> bool:
    """What the clock orders, and every opening, waits. A decision that a site stays down does not,
    since it stands whatever is lost; nor does what stands before that, if it takes the site
    down."""
    if claimed.kind not in DOWN:
        return True
    return not stays_down(claimed) and claimed.kind == "suspend" and "suspension" in claimed.data


def stays_down(claimed: Claimed) -> bool:
    """Whether the site is held or closed on record."""
    return claimed.held_since is not None or claimed.ordered == DOWN["close"]


def left_down(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those of them that would open a site which a loss has left down, however often they were
    tried, or suspend one which it has left closed: what a person decides takes that mark away."""
    acts = [each for each in claimed if each.lane == ACT_LANE]
    if not acts or lineage.standing(connection).lost_at is None:
        return []
    ids = {each.site_id for each in acts}
    closed = site_rows.closed_in_the_world(connection, ids)
    asked = [
        each
        for each in acts
        if each.kind == REOPEN or (each.kind == "suspend" and each.site_id in closed)
    ]
    found = marked(connection, {each.site_id for each in asked})
    return [
        each
        for each in asked
        if each.site_id in found or (each.kind != REOPEN and each.held_since is not None)
    ]


def cancelling_left_down(claimed: Claimed) -> c.CancelOrder:
    """What goes on record in place of that order's being carried out now."""
    tried = claimed.attempt > 1
    return c.CancelOrder(
        by=c.COURIER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=tried
    )
