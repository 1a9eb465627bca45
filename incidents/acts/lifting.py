"""The lifting: orders that nobody needs any more, since what they order was lifted meanwhile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from incidents.machine import commands as c
from incidents.machine.case import UNKNOWN, Delivery
from incidents.machine.codes import LIFTED
from incidents.machine.in_force import DOWN
from incidents.machine.order_acts import REOPEN, is_lifted
from incidents.store.leases import Claimed

Cancelling = list[tuple[int, c.Command]]


def lifted(
    heads: Mapping[int, Claimed], chains: Iterable[tuple[int, Delivery]]
) -> dict[int, Cancelling]:
    """What to cancel of each site, whose next order `heads` has and `chains` all of them in order.

    The orders to take a site down that are followed by one to open it; and that one too, if none of
    them was tried. What is braked stands before its site's next order.
    """
    found: dict[int, Cancelling] = {}
    waiting: dict[int, list[Delivery]] = {}
    for site_id, delivery in chains:
        head = heads[site_id]
        if delivery.order == head.seq:
            # To be claimed is not to be tried.
            delivery = replace(delivery, attempts=head.attempt - 1)  # noqa: PLW2901 - as it was
        waiting.setdefault(site_id, []).append(delivery)
    for site_id, acts in waiting.items():
        head = heads[site_id]
        if head.kind in DOWN or any(each.braked for each in acts):
            cancelling = _cancelling(site_id, acts, head)
            if cancelling:
                found[site_id] = cancelling
    return found


def _cancelling(site_id: int, acts: list[Delivery], head: Claimed) -> Cancelling:
    left, in_force = list(acts), head.in_force
    found: Cancelling = []
    for delivery in acts:
        if not delivery.braked and (delivery.order < head.seq or delivery.dead):
            continue
        if not is_lifted(delivery, left, in_force):
            break
        left.remove(delivery)
        if delivery.attempts:
            in_force = UNKNOWN
        command = c.CancelOrder(by=c.COURIER, order=delivery.order, lane=delivery.lane, why=LIFTED)
        found.append((site_id, command))
        if delivery.kind == REOPEN:
            break
    return found
