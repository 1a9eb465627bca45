"""Sites in doubt since the record lost its latest entries: not compared, or left down.

A left-down site should be up, but is not known to be up, and no order to open it is waiting. Some
functions take more such sites by their ids (`also`): sites that were left down when their running
suspension began, and sites that stay down although an order waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    update,
)

from incidents.machine.case import UNKNOWN
from incidents.machine.events import StateSeen
from incidents.store.archive import whole
from incidents.store.log.lineage import Standing
from incidents.store.schema.desk_tables import entries, uncompared
from incidents.store.schema.log_tables import deliveries, waiting
from incidents.store.schema.tables import sites
from incidents.store.schema.types import words
from incidents.store.statement import insert_missing
from incidents.values.ids import ACT

T = TypeVar("T", int, str)

_AT_ONCE = 500
"""The maximum number of names in one statement, because SQLite limits its variables."""


class Uncompared(NamedTuple):
    """The number of sites not compared, the first failure (UTC), the first names and reasons."""

    sites: int
    since: datetime
    named: list[tuple[str, str]]


def problems_of_uncompared(
    connection: Connection, names: Collection[str] | None = None
) -> dict[str, str]:
    """The reasons why sites could not be compared, by name; for all or only the given sites."""
    asked = select(sites.c.name, uncompared.c.problem).join(
        sites, sites.c.id == uncompared.c.site_id
    )
    if names is not None and len(names) <= _AT_ONCE:
        asked = asked.where(sites.c.name.in_(names))
    return {row.name: row.problem for row in connection.execute(asked)}


def first_uncompared(connection: Connection, most: int) -> Uncompared | None:
    """A summary of the sites not compared, with at most `most` names; None if there are none."""
    count, since = connection.execute(select(func.count(), func.min(uncompared.c.since))).one()
    if not count:
        return None
    asked = select(sites.c.name, uncompared.c.problem).join(
        sites, sites.c.id == uncompared.c.site_id
    )
    named = connection.execute(asked.order_by(sites.c.name).limit(most))
    return Uncompared(count, since, [(row.name, row.problem) for row in named])


def compared_since(connection: Connection, standing: Standing, site_ids: Iterable[int]) -> set[int]:
    """The sites with those ids that the record shows as compared in the present epoch.

    These are the sites whose state was recorded since the epoch began and, once every site was
    compared, all sites that existed when the epoch began.
    """
    found = set[int]()
    for some in _parts(set(site_ids)):
        if standing.is_compared:
            old = and_(sites.c.id.in_(some), sites.c.created_at <= standing.resumed_at)
            found.update(connection.scalars(select(sites.c.id).where(old)))
        own = [id_ for id_ in some if id_ not in found]
        since = and_(entries.c.site_id.in_(own), entries.c.recorded_at > standing.resumed_at)
        seen = entries.c.body.contains(f'"kind":"{StateSeen.kind}"')
        known = not_(entries.c.body.contains(f'"seen":"{UNKNOWN}"'))
        recorded = select(entries.c.site_id).where(since, seen, known).distinct()
        later = whole.between(standing.resumed_at, None)
        found.update(id_ for (id_,) in whole.all_rows(connection, recorded, later))
    return found


def names_uncompared(
    connection: Connection, standing: Standing, names: Collection[str]
) -> set[str]:
    """The sites with those names that were not compared in the present epoch."""
    ids = _ids(connection, names)
    done = compared_since(connection, standing, ids.values())
    return {name for name in names if name not in ids or ids[name] not in done}


def record_uncompared(connection: Connection, found: Mapping[str, str], now: datetime) -> None:
    """Record why sites could not be compared at `now` (UTC); keep each site's first failure."""
    ids = _ids(connection, found)
    rows = [
        {"site_id": ids[name], "since": now, "problem": problem}
        for name, problem in sorted(found.items())
        if name in ids
    ]
    if not rows:
        return
    connection.execute(insert_missing(connection, uncompared), rows)
    for problem in sorted(set(found.values())):
        own = [ids[name] for name in found.keys() & ids.keys() if found[name] == problem]
        for some in _parts(own):
            those = uncompared.c.site_id.in_(some)
            is_other = uncompared.c.problem != problem
            connection.execute(update(uncompared).where(those, is_other).values(problem=problem))


def clear_uncompared(connection: Connection, names: Collection[str]) -> None:
    """Record that the sites were compared."""
    for some in _parts(_ids(connection, names).values()):
        connection.execute(delete(uncompared).where(uncompared.c.site_id.in_(some)))


def _ids(connection: Connection, names: Collection[str]) -> dict[str, int]:
    found = dict[str, int]()
    for some in _parts(names):
        rows = connection.execute(select(sites.c.name, sites.c.id).where(sites.c.name.in_(some)))
        found |= {row.name: row.id for row in rows}
    return found


_UP, _CLOSED = "active", "closed"


class LeftDownCounts(NamedTuple):
    """The number of left-down sites, and how many of them are in each state.

    `closed` and `unknown`: their actual state. `added`: unknown, added since the loss, and with
    nothing else on record.
    """

    sites: int
    closed: int
    unknown: int
    new: int


def named_left_down(
    connection: Connection,
    most: int | None = None,
    *,
    believed_since: datetime | None = None,
    also: Collection[int] = (),
) -> list[tuple[str, str, bool]]:
    """The left-down sites, or the first `most`: name, actual state, and whether an order opens it.

    Closed sites come first, sites in an unknown state last.
    """
    of = sites.c
    found: list[Any] = []
    for those in _left(believed_since, also):
        asked = select(of.name, of.in_force, of.state).where(those)
        found += connection.execute(asked.order_by(of.in_force, of.name).limit(most))
    # The states are sorted alphabetically.
    found.sort(key=lambda each: (each.in_force, each.name))
    return [(name, in_force, state == _UP) for name, in_force, state in found[:most]]


def count_left_down(
    connection: Connection,
    added_since: datetime,
    *,
    believed_since: datetime | None = None,
    also: Collection[int] = (),
) -> LeftDownCounts:
    """The counts of left-down sites; sites added since `added_since` (UTC) count as new."""
    of = sites.c
    unknown = of.in_force == UNKNOWN
    new = and_(unknown, of.last_act == 0, of.created_at > added_since)
    kinds = [func.count().filter(each) for each in (of.in_force == _CLOSED, unknown, new)]
    asked = select(func.count(), *kinds)
    parts = [connection.execute(asked.where(each)).one() for each in _left(believed_since, also)]
    return LeftDownCounts._make(map(sum, zip(*parts, strict=True)))


def is_left_down(
    connection: Connection, site_id: int, *, believed_since: datetime | None = None
) -> bool:
    """Whether the site with that id is left down."""
    asked = select(sites.c.id).where(_left_up(believed_since), sites.c.id == site_id)
    return connection.scalar(asked) is not None


def waits_to_open(connection: Connection, site_id: int) -> bool:
    """Whether that site should be up, is not known to be up, and has a waiting order."""
    asked = select(sites.c.id).where(*_waits_to_open(), sites.c.id == site_id)
    return connection.scalar(asked) is not None


def left_down_candidates(connection: Connection, since: datetime) -> list[int]:
    """The ids of suspended, unheld sites with entries since `since` (UTC), and of sites to open."""
    of = sites.c
    is_down = and_(of.state == words("suspended")[0], of.hold_at.is_(None))
    asked = select(of.id).where(is_down, of.last_entry_at > since)
    opened = select(of.id).where(*_waits_to_open())
    return sorted([*connection.scalars(asked), *connection.scalars(opened)])


def _left(believed_since: datetime | None, also: Collection[int]) -> Iterator[ColumnElement[bool]]:
    """The conditions for left-down sites, in disjoint parts, because a query takes few values."""
    yield _left_up(believed_since)
    for some in _parts(also):
        yield sites.c.id.in_(some)


def _parts(values: Iterable[T]) -> Iterator[list[T]]:
    ordered = sorted(values)
    for begin in range(0, len(ordered), _AT_ONCE):
        yield ordered[begin : begin + _AT_ONCE]


def _waits_to_open() -> tuple[ColumnElement[bool], ...]:
    of, up = sites.c, words(_UP)[0]
    return (of.state == up, of.in_force != up, exists().where(_own(), waiting))


def _own() -> ColumnElement[bool]:
    """The condition for the site's orders that change the live system."""
    return and_(deliveries.c.site_id == sites.c.id, deliveries.c.lane == words(ACT)[0])


def _left_up(believed_since: datetime | None) -> ColumnElement[bool]:
    of, up = sites.c, words(_UP)[0]
    is_up_by_order = and_(of.state == up, of.created_at.is_not(None))
    found = and_(is_up_by_order, of.in_force != up, ~exists().where(_own(), waiting))
    if believed_since is None:
        return found
    known = or_(of.in_force != UNKNOWN, of.last_act != 0, of.created_at <= believed_since)
    return and_(found, known)
