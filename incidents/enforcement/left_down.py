"""The left-down: sites that an order would open, or less far down, and that a loss has left down.

What was lost may be a court's order, and the clock knows nothing of it: a person holds the site or
has it opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from incidents.machine import commands as c
from incidents.machine.actions.orders import REOPEN
from incidents.machine.command import LEFT_DOWN
from incidents.store.cases import sites as site_rows
from incidents.store.orders.leases import Claimed
from incidents.store.record import lineage
from incidents.values.ids import ACT
from incidents.views.left_down import marked


def left(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those of them that would open a site which a loss has left down, however often they were
    tried, or suspend one which it has left closed: what a person decides takes that mark away."""
    acts = [each for each in claimed if each.lane == ACT]
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


def cancelling(claimed: Claimed) -> c.CancelOrder:
    """What goes on record in place of that order's being carried out now."""
    tried = claimed.attempt > 1
    return c.CancelOrder(
        by=c.COURIER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=tried
    )
