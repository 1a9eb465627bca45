"""The categories: the desk's own words for what it finds, as its newest incidents have them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from incidents.store.tables import incidents

NEWEST = 1_000
"""So many incidents are looked at, by the index of their recording, however many there are."""

_most: ColumnElement[int] = literal_column(str(NEWEST))


def in_use(connection: Connection) -> list[str]:
    """The categories of the newest incidents, the most used first."""
    newest = (
        select(incidents.c.category)
        .order_by(incidents.c.recorded_at.desc())
        .limit(_most)
        .subquery("newest")
    )
    used = (
        select(newest.c.category)
        .where(newest.c.category.is_not(None))
        .group_by(newest.c.category)
        .order_by(func.count().desc(), newest.c.category)
    )
    return list(connection.scalars(used))
