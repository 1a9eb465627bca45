"""Queries of the sites that were left down after the record had lost its end."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection, Select, exists, select

from incidents.machine.ids import ACT
from incidents.store.metadata import words
from incidents.store.order_tables import deliveries, waiting
from incidents.store.tables import sites


class LeftDown(NamedTuple):
    """A site that is down in the world, or may be, though nothing on record keeps it down."""

    site: str
    in_force: str


def every(connection: Connection) -> list[LeftDown]:
    """All of them, by their names."""
    found = connection.execute(_LEFT.order_by(sites.c.name))
    return [LeftDown(row.name, row.in_force) for row in found]


def is_one(connection: Connection, site_id: int) -> bool:
    """Whether the site with that id is one of them."""
    return connection.execute(_LEFT.where(sites.c.id == site_id)).first() is not None


def _left() -> Select[tuple[str, str]]:
    of, up = sites.c, words("active")[0]
    own = (deliveries.c.site_id == of.id, deliveries.c.lane == words(ACT)[0])
    return select(of.name, of.in_force).where(
        of.state == up, of.in_force != up, of.created_at.is_not(None),
        ~exists().where(*own, waiting),
    )  # fmt: skip


_LEFT = _left()
"""Ordered up and not known to be up, and no order waits to open it."""
