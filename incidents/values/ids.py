"""The public ids: incident `12-3` (site 12), contact `12-3-1`, task `12-t2`, order `12-o45`, report
`r17`.
"""

from __future__ import annotations

import re

_REPORT = re.compile(r"[rR]?([1-9]\d{0,17})", re.ASCII)
_INCIDENT = re.compile(r"([1-9]\d{0,17})-([1-9]\d{0,8})", re.ASCII)
_CONTACT = re.compile(r"([1-9]\d{0,17})-([1-9]\d{0,8})-([1-9]\d{0,8})", re.ASCII)
_ORDER = re.compile(r"([1-9]\d{0,17})-o([1-9]\d{0,17})(?:\.([a-z]{1,20}))?", re.ASCII)

CLOSURE = "closure"
DISPUTED = "disputed"
REINSTATEMENT = "reinstatement"
NAMED = (CLOSURE, DISPUTED, REINSTATEMENT)
"""The items of the queue without a number: a site has at most one of each."""
_ITEM = re.compile(
    rf"([1-9]\d{{0,17}})-([1-9]\d{{0,8}}|t[1-9]\d{{0,8}}|{'|'.join(NAMED)})", re.ASCII
)
ORDERS_EACH = 10**12
"""The number of order numbers that each epoch has in the live system.

The number of an order is the number of the site's entry that issued it. The order from a site's
45th entry is 45 here, and 332000000000045 in the live system in epoch 332 (see `desk.resumption`).
"""
EPOCHS = 2**53 // ORDERS_EACH
"""The number of epochs, so that order numbers stay below 2^53 for receivers that use doubles."""
ACT = "act"
"""The lane in which an order changes the live system (see `machine.orders`).

The id of an order without a lane means this lane.
"""


def incident_id(site_id: int, incident: int) -> str:
    """Return the public id of a site's nth incident."""
    return f"{site_id}-{incident}"


def contact_id(site_id: int, incident: int, contact: int) -> str:
    """Return the public id of an incident's nth contact."""
    return f"{site_id}-{incident}-{contact}"


def item_id(site_id: int, item: str) -> str:
    """Return the public id of an item of the queue."""
    return f"{site_id}-{item}"


def task_id(site_id: int, task: int) -> str:
    """Return the public id of a site's nth task."""
    return f"{site_id}-t{task}"


def task_number(item: str) -> int | None:
    """Return the number of the task `t2`, an item of the queue; None if the item is not a task."""
    return int(item[1:]) if item.startswith("t") else None


def order_id(site_id: int, order: int, lane: str = ACT) -> str:
    """Return the public id of an order in one of its lanes: `12-o45`, `12-o45.notice`."""
    return f"{site_id}-o{order}" if lane == ACT else f"{site_id}-o{order}.{lane}"


def report_id(report: int) -> str:
    """Return the public id of a report."""
    return f"r{report}"


def read_report_id(text: str) -> int | None:
    """Read `r17`, or `17`, as the number of a report; None if it is not such an id."""
    found = _REPORT.fullmatch(text)
    return None if found is None else int(found[1])


def read_incident_id(text: str) -> tuple[int, int] | None:
    """Read `12-3` as (site id, incident number); None if it is not such an id."""
    found = _INCIDENT.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


def read_contact_id(text: str) -> tuple[int, int, int] | None:
    """Read `12-3-1` as (site id, incident number, contact number); None if it is not such an id."""
    found = _CONTACT.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def read_item_id(text: str) -> tuple[int, str] | None:
    """Read an item's id as (site id, the text after the dash); None if it is not such an id."""
    found = _ITEM.fullmatch(text)
    return None if found is None else (int(found[1]), found[2])


def read_order_id(text: str) -> tuple[int, int, str] | None:
    """Read `12-o45.notice` as (site id, order number, lane); None if it is not such an id.

    The order's number may also be its number in the live system.
    """
    found = _ORDER.fullmatch(text)
    if found is None or int(found[2]) % ORDERS_EACH == 0:
        return None
    return int(found[1]), int(found[2]) % ORDERS_EACH, found[3] or ACT
