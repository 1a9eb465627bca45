"""How an event changes a case: the only way that one ever changes, live and in a replay."""

from __future__ import annotations

from incidents.machine import events as e
from incidents.machine.case import Case, Delivery
from incidents.machine.changes import incidents, orders_and_filings, sites
from incidents.machine.orders import order_of

CHANGES = {
    **incidents.changes, **sites.changes, **orders_and_filings.changes,
    **orders_and_filings.changes,
}  # fmt: skip


def apply(case: Case, event: e.Event) -> None:
    """Change `case` as `event` says.

    Raises:
        ImpossibleMoveError: the event records a move that the tables of `state` do not have.
    """
    CHANGES[type(event)](case, event)
    sites.drop_what_fell(case)
    if event.run is not None:
        case.run = event.run
    case.last_entry_at = event.recorded_at
    case.seq += 1
    order = order_of(event)
    if order is not None:
        n, kind = case.seq, order.kind
        for lane in order.lanes:
            case.deliveries[n, lane] = Delivery(order=n, lane=lane, kind=kind)
