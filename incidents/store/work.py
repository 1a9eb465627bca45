"""Writes the work: one row for each item that the queue lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from incidents.machine.work import Item
from incidents.store.statement import Change
from incidents.store.tables import FAR, LAST, work

Changed = tuple[int, Item | None, Item | None]
"""A site's id, the item before and the item now."""


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes items."""
    _GONE.tell(connection, [(site, was.item) for site, was, _ in changes if was is not None])
    _NEW.tell(
        connection,
        [
            (site, i.item, i.kind, i.incident, i.due, sort_due(i), i.recorded_at)
            for site, _, i in changes
            if i is not None
        ],
    )


def sort_due(item: Item) -> datetime:
    """The time by which the item stands in the queue (UTC)."""
    return item.due or (LAST if item.comes_last else FAR)


_NEW = Change(work, "site_id", "item", "kind", "incident", "due", "sort_due", "recorded_at")
_GONE = Change(work, keys=("site_id", "item"))
