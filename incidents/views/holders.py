"""The holders: who works on what of the queue, so that a shift is handed over whole."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from sqlalchemy import Connection, and_, func, select

from incidents.clock import rfc3339
from incidents.store.tables import claims, sites, work

Document = dict[str, Any]

MOST = 500
"""So many items are listed; how many each one holds is counted however many there are."""


def holders(connection: Connection, *, most: int = MOST) -> list[Document]:
    """Each who holds something, by name: how many items (`total`), and the first of them.

    `items` has the first `most` of all, holder by holder and each one's by deadline; those of later
    holders may be missing.
    """
    of = claims.c
    counted = select(of.by, func.count()).group_by(of.by).order_by(of.by)
    listed = groupby(_items(connection, most), key=lambda item: item["by"])
    found = {by: list(items) for by, items in listed}
    return [
        {"by": by, "total": total, "items": found.get(by, [])}
        for by, total in connection.execute(counted)
    ]


def sites_held(connection: Connection, by: str) -> list[tuple[int, str]]:
    """The sites on which somebody holds something, by name, with their ids."""
    joined = claims.join(sites, sites.c.id == claims.c.site_id)
    asked = select(sites.c.id, sites.c.name).select_from(joined).where(claims.c.by == by)
    return [(id_, name) for id_, name in connection.execute(asked.distinct().order_by("name"))]


def _items(connection: Connection, most: int) -> list[Document]:
    same = and_(work.c.site_id == claims.c.site_id, work.c.item == claims.c.item)
    joined = claims.join(sites, sites.c.id == claims.c.site_id).join(work, same)
    asked = select(claims, sites.c.name, work.c.kind, work.c.incident, work.c.due)
    order = (claims.c.by, work.c.sort_due, claims.c.site_id, claims.c.item)
    return [
        {
            "id": f"{row.site_id}-{row.item}",
            "by": row.by,
            "since": rfc3339(row.at),
            "site": row.name,
            "kind": row.kind,
            "incident": None if row.incident is None else f"{row.site_id}-{row.incident}",
            "due": None if row.due is None else rfc3339(row.due),
        }
        for row in connection.execute(asked.select_from(joined).order_by(*order).limit(most))
    ]
