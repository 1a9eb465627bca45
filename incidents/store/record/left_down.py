"""Queries of the sites that were left down after the record had lost its end: they are ordered up
and not known to be up, and no order waits to open them; and of others that are named by their ids,
since they were when a suspension began that runs, or stay down although one waits (`also`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from incidents.machine.case import UNKNOWN
from incidents.store.schema.log_tables import deliveries, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import words
from incidents.values.ids import ACT

_UP, _CLOSED = "active", "closed"
_AT_ONCE = 500


class Counts(NamedTuple):
    """How many they are; how many of them are closed in the world; of how many nobody knows how
    they are, and of how many of these, which were added since the loss, the record knows nothing
    else."""

    sites: int
    closed: int
    unknown: int
    new: int


def names(connection: Connection, *, believed_since: datetime | None = None) -> list[str]:
    """The names of those that are ordered up.

    Sites that were added since a time (UTC) and of which nobody can tell are no such sites, if it
    is given: they are believed to be up.
    """
    asked = select(sites.c.name).where(_left_up(believed_since)).order_by(sites.c.name)
    return list(connection.scalars(asked))


def named(
    connection: Connection,
    most: int | None = None,
    *,
    believed_since: datetime | None = None,
    also: Collection[int] = (),
) -> list[tuple[str, str, bool]]:
    """All of them, or the first `most`, with how each is in the world, the closed ones first, the
    unknown last; and whether it is ordered to be up."""
    of = sites.c
    found: list[Any] = []
    for those in _left(believed_since, also):
        asked = select(of.name, of.in_force, of.state).where(those)
        found += connection.execute(asked.order_by(of.in_force, of.name).limit(most))
    # By the alphabet, as it happens.
    found.sort(key=lambda each: (each.in_force, each.name))
    return [(name, in_force, state == _UP) for name, in_force, state in found[:most]]


def counts(
    connection: Connection,
    added_since: datetime,
    *,
    believed_since: datetime | None = None,
    also: Collection[int] = (),
) -> Counts:
    """How many they are; new are those that were added since then (UTC)."""
    of = sites.c
    unknown = of.in_force == UNKNOWN
    new = and_(unknown, of.last_act == 0, of.created_at > added_since)
    kinds = [func.count().filter(each) for each in (of.in_force == _CLOSED, unknown, new)]
    asked = select(func.count(), *kinds)
    parts = [connection.execute(asked.where(each)).one() for each in _left(believed_since, also)]
    return Counts._make(map(sum, zip(*parts, strict=True)))


def is_one(connection: Connection, site_id: int, *, believed_since: datetime | None = None) -> bool:
    """Whether the site with that id is one of them."""
    asked = select(sites.c.id).where(_left_up(believed_since), sites.c.id == site_id)
    return connection.scalar(asked) is not None


def waits_to_open(connection: Connection, site_id: int) -> bool:
    """Whether the site with that id is ordered up, is not known to be, and an order waits."""
    asked = select(sites.c.id).where(*_waits_to_open(), sites.c.id == site_id)
    return connection.scalar(asked) is not None


def may_stay(connection: Connection, since: datetime) -> list[int]:
    """The ids, in order, of the sites that are suspended, not held, and of which anything was
    recorded since then (UTC); and of those that an order waits to open."""
    of = sites.c
    is_down = and_(of.state == words("suspended")[0], of.hold_at.is_(None))
    asked = select(of.id).where(is_down, of.last_entry_at > since)
    opened = select(of.id).where(*_waits_to_open())
    return sorted([*connection.scalars(asked), *connection.scalars(opened)])


def _left(believed_since: datetime | None, also: Collection[int]) -> Iterator[ColumnElement[bool]]:
    """Which they are, in parts that have no site in common: a query takes only so many values."""
    yield _left_up(believed_since)
    ids = sorted(also)
    for begin in range(0, len(ids), _AT_ONCE):
        yield sites.c.id.in_(ids[begin : begin + _AT_ONCE])


def _waits_to_open() -> tuple[ColumnElement[bool], ...]:
    of, up = sites.c, words(_UP)[0]
    return (of.state == up, of.in_force != up, exists().where(_own(), waiting))


def _own() -> ColumnElement[bool]:
    """The site's orders into the world."""
    return and_(deliveries.c.site_id == sites.c.id, deliveries.c.lane == words(ACT)[0])


def _left_up(believed_since: datetime | None) -> ColumnElement[bool]:
    of, up = sites.c, words(_UP)[0]
    is_up_by_order = and_(of.state == up, of.created_at.is_not(None))
    found = and_(is_up_by_order, of.in_force != up, ~exists().where(_own(), waiting))
    if believed_since is None:
        return found
    known = or_(of.in_force != UNKNOWN, of.last_act != 0, of.created_at <= believed_since)
    return and_(found, known)
