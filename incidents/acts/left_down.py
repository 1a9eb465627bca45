"""The left-down: sites that the end of a suspension would open, and that a loss has left down.

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
from incidents.views.left_down import had_been_left


def may_be_left(claimed: Claimed) -> bool:
    """Whether it opens a site since a suspension has ended, and nobody has tried it: what a person
    has ordered names none."""
    of_clock = claimed.kind == REOPEN and "suspension" in claimed.data
    return of_clock and claimed.lane == ACT and claimed.attempt == 1


def left(connection: Connection, claimed: Sequence[Claimed]) -> list[Claimed]:
    """Those of them whose sites a loss had left down when they were suspended."""
    lost_at = lineage.standing(connection).lost_at
    if lost_at is None:
        return []
    return [each for each in claimed if had_been_left(connection, each.site_id, each.seq, lost_at)]


def cancelling(claimed: Claimed) -> c.CancelOrder:
    """What goes on record in place of that order's being carried out: it was not tried."""
    return c.CancelOrder(
        by=c.COURIER, order=claimed.seq, lane=claimed.lane, why=LEFT_DOWN, tried=False
    )
