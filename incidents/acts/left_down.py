"""The left-down: sites that an order would open, or less far down, and that a loss has left down.

What was lost may be a court's order, and the clock knows nothing of it: a person holds the site or
has it opened.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from incidents.machine import commands as c
from incidents.machine.codes import LEFT_DOWN
from incidents.machine.ids import ACT
from incidents.machine.order_acts import REOPEN
from incidents.store import lineage
from incidents.store.leases import Claimed
from incidents.views.left_mark import marked


def left(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those of them that would open a site which a loss has left down, however often they were
    tried: what a person orders takes that mark away."""
    opening = [each for each in claimed if (each.lane, each.kind) == (ACT, REOPEN)]
    if not opening or lineage.standing(connection).lost_at is None:
        return []
    found = marked(connection, {each.site_id for each in opening})
    return [each for each in opening if each.site_id in found]


def cancelling(claimed: Claimed) -> c.CancelOrder:
    """What goes on record in place of that order's being carried out now."""
    tried = claimed.attempt > 1
    return c.CancelOrder(
        by=c.COURIER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=tried
    )
