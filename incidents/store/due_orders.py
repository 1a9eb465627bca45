"""The due orders, read page by page without a lock: what a dispatcher may claim next.

Of each site and lane only the first order that has not failed permanently is due.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    not_,
    select,
    tuple_,
)

from incidents.store.database.postgresql_engine import LOOK_UP_BY_KEYS
from incidents.store.schema.log_tables import deliveries, is_alive, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import Number, UTCDateTime, Word
from incidents.store.statement import Query
from incidents.store.values_table import ValuesTable

Place = tuple[datetime, int, int]
"""The place of an order among those of its lane: since when it is due (UTC), its site's number, and
its own number."""

START: Place = (datetime(1970, 1, 1, tzinfo=UTC), 0, 0)
"""The place before all orders."""

_of = deliveries.c


class Due(NamedTuple):
    """A due order: the numbers of its site and itself, its lane, and since when it is due (UTC).

    `attempts`: how often it was tried. `held`: a hold keeps the site down.
    """

    site_id: int
    site: str
    seq: int
    lane: str
    kind: str
    next_at: datetime
    attempts: int
    held: bool

    @property
    def place(self) -> Place:
        """Its place among the orders of its lane."""
        return self.next_at, self.site_id, self.seq


def plan_by_index(connection: Connection) -> None:
    """Have this transaction's queries planned so that none collects and sorts all waiting orders.

    Without statistics PostgreSQL would. Call this first, in a transaction that only reads.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_BY_INDEX)


def page(
    connection: Connection, lane: str, *, due_at: datetime, start: Place, most: int
) -> list[Due]:
    """At most `most` orders that are due at `due_at` (UTC), from `start` on, the longest due first.

    See `plan_by_index`.
    """
    at, site_id, seq = start
    found = _PAGE.fetch(
        connection, lane=lane, due_at=due_at, at=at, site=site_id, seq=seq, most=most
    )
    return found.all()


def of_sites(
    connection: Connection, lane: str, site_ids: Iterable[int], *, due_at: datetime
) -> list[Due]:
    """The orders of those sites that are due at `due_at` (UTC), in no order."""
    rows = [(site_id, lane) for site_id in sorted(site_ids)]
    return [each for each in _OF_SITES.fetch(connection, rows).all() if each.next_at <= due_at]


def is_first() -> ColumnElement[bool]:
    """Whether an order is the first of its site and lane that has not failed permanently."""
    before = deliveries.alias("before")
    return not_(
        exists().where(
            before.c.site_id == _of.site_id,
            before.c.lane == _of.lane,
            before.c.site_seq < _of.site_seq,
            is_alive(before),
        )
    )


_COLUMNS = (
    _of.site_id, sites.c.name, _of.site_seq, _of.lane, _of.kind, _of.next_at, _of.attempts,
    sites.c.hold_at.is_not(None),
)  # fmt: skip
_LANE, _DUE_AT = bindparam("lane", type_=Word), bindparam("due_at", type_=UTCDateTime)


def _page(_given: ValuesTable) -> Select[Any]:
    place = (_of.next_at, _of.site_id, _of.site_seq)
    start = tuple_(
        bindparam("at", type_=UTCDateTime), bindparam("site", type_=Number),
        bindparam("seq", type_=Number),
    )  # fmt: skip
    return (
        select(*_COLUMNS)
        .join(sites, sites.c.id == _of.site_id)
        .where(waiting, _of.lane == _LANE, _of.next_at <= _DUE_AT, tuple_(*place) >= start)
        .where(is_first())
        .order_by(*place)
        .limit(bindparam("most", type_=Integer))
    )


def _of_sites(given: ValuesTable) -> Select[Any]:
    # Neither the lane nor the time is a constant here: SQLite would read, for each site, all orders
    # of the lane that are due.
    own = and_(_of.site_id == given.c.site_id, _of.lane == given.c.lane)
    named = given.table.join(deliveries, own).join(sites, sites.c.id == _of.site_id)
    return select(*_COLUMNS).select_from(named).where(is_alive(deliveries), is_first())


_BY_INDEX = "; ".join(f"SET LOCAL {name} = off" for name in LOOK_UP_BY_KEYS)
_PAGE: Query[Due] = Query(_page, lambda row: Due(*row))
_OF_SITES: Query[Due] = Query(_of_sites, lambda row: Due(*row), site_id=Number, lane=Word)
