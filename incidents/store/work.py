"""Writes the work: one row for each item that the queue lists."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert

from incidents.machine.work import Item
from incidents.store.given import execute
from incidents.store.tables import FAR, work

Change = tuple[int, Item | None, Item | None]
"""A site's id, the item before and the item now."""


def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Writes items."""
    gone = [{"key_site": site, "key_item": was.item} for site, was, _ in changes if was is not None]
    new = [
        {
            "site_id": site,
            "item": now.item,
            "kind": now.kind,
            "incident": now.incident,
            "due": now.due,
            "sort_due": now.due or FAR,
            "recorded_at": now.recorded_at,
        }
        for site, _, now in changes
        if now is not None
    ]
    execute(connection, _GONE, gone)
    execute(connection, _NEW, new)


_NEW = insert(work)
_GONE = delete(work).where(
    work.c.site_id == bindparam("key_site"), work.c.item == bindparam("key_item")
)
