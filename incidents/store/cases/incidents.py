"""Queries for incidents, with all their parts (see `incident_parts`)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    and_,
    bindparam,
    select,
    true,
    tuple_,
)

from incidents.machine.incident import Incident
from incidents.store.cases import incident_parts
from incidents.store.cases.incident_parts import Changed
from incidents.store.compiled import Row
from incidents.store.schema import tables
from incidents.store.schema.tables import incidents
from incidents.store.schema.types import Number, UTCDateTime
from incidents.store.statement import Mutation, Query
from incidents.store.values_table import Kind, ValuesTable

Key = tuple[int, int]
"""A site's id and the incident's number there."""

Found = tuple[int, Incident]
"""A site's id and the incident."""

Moment = tuple[int, int, datetime]
"""A site's id, its epoch, and a time."""


def whole(connection: Connection, keys: Iterable[Key]) -> dict[Key, Incident]:
    """The incidents with those keys, with all their parts."""
    found = NAMED.fetch(connection, sorted(keys)).all()
    return {(site, incident.n): incident for site, incident in found}


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Write incidents."""
    new = [(site, now) for site, was, now in changes if was is None]
    changed = [(site, now) for site, was, now in changes if was is not None]
    _NEW.execute(connection, [(site, *[getattr(now, name) for name in _OWN]) for site, now in new])
    _CHANGED.execute(
        connection,
        [(site, now.n, *[getattr(now, name) for name in _MAY_CHANGE]) for site, now in changed],
    )
    incident_parts.save(connection, changes)


_SITE, _N = (list(incidents.c).index(column) for column in (incidents.c.site_id, incidents.c.n))
_OWN = tuple(column.name for column in incidents.c if column.name != "site_id")
_FIXED = frozenset({"n", "epoch", "occurred_at", "recorded_at", "by", "recurs", "category", "note"})
"""The columns that never change after the incident is logged."""
_MAY_CHANGE = tuple(name for name in _OWN if name not in _FIXED)
_NEW = Mutation(incidents, "site_id", *_OWN)
_CHANGED = Mutation(incidents, *_MAY_CHANGE, keys=("site_id", "n"))


def _columns(dialect: str, of: FromClause = incidents) -> list[ColumnElement[Any]]:
    """The columns to read: the row and its parts."""
    return [*of.c, *incident_parts.columns(dialect, of)]


def key(row: Row) -> Key:
    """The key of a row's incident."""
    return row[_SITE], row[_N]


def read(row: Row) -> Found:
    """The incident of a row, with all its parts."""
    site, *own, urls, calls, files, notes = row
    parts = incident_parts.read(urls, calls, files, notes)
    return site, Incident(**dict(zip(_OWN, own, strict=True)), **parts)


def _of_sites(condition: Callable[[], ColumnElement[bool]]) -> Query[Found]:
    def build(given: ValuesTable) -> Select[Any]:
        return _joined(given, incidents.c.site_id == given.c.site_id, condition())

    return Query(build, read, site_id=Number)


UNSETTLED = _of_sites(tables.unsettled)
"""The incidents of the given sites that still need an action of the desk."""

UNLISTED = _of_sites(tables.unlisted)
"""The given sites' incidents that are unsettled but not in the queue: refused and moot."""


def _joined(given: ValuesTable, *on: ColumnElement[bool]) -> Select[Any]:
    return given.joined(_columns(given.dialect), incidents, *on)


def _named(given: ValuesTable) -> Select[Any]:
    return _joined(given, incidents.c.site_id == given.c.site_id, incidents.c.n == given.c.n)


def _members(given: ValuesTable) -> Select[Any]:
    same = incidents.c.site_id == given.c.site_id
    return _joined(given, same, incidents.c.suspension == given.c.suspension, tables.member())


def _nearest(given: ValuesTable, *, before: bool) -> Select[Any]:
    near = incidents.alias("near")
    side = near.c.occurred_at <= given.c.at if before else near.c.occurred_at > given.c.at
    order = (near.c.occurred_at, near.c.n)
    ordered = [column.desc() for column in order] if before else list(order)
    return _top(given, near, and_(tables.countable(near), side), ordered)


def _reached_before(given: ValuesTable) -> Select[Any]:
    near = incidents.alias("near")
    earlier = tuple_(near.c.contact_due, near.c.n) < tuple_(given.c.due, given.c.n)
    ordered = [near.c.contact_due.desc(), near.c.n.desc()]
    return _top(given, near, and_(tables.in_time(near), earlier), ordered)


def _reached_from(given: ValuesTable) -> Select[Any]:
    place = tuple_(incidents.c.contact_due, incidents.c.n)
    return _joined(
        given,
        incidents.c.site_id == given.c.site_id,
        incidents.c.epoch == given.c.epoch,
        place >= tuple_(given.c.due, given.c.n),
        tables.in_time(),
    )


def _top(
    given: ValuesTable,
    near: FromClause,
    condition: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
) -> Select[Any]:
    """The first `most` incidents in `order` for each given row.

    This is a lateral join. SQLite has no lateral joins: on SQLite, the list of numbers is looked up
    for each given row, by the same index.
    """
    same = and_(near.c.site_id == given.c.site_id, near.c.epoch == given.c.epoch)
    most = bindparam("most", type_=Integer)
    if given.dialect == "sqlite":
        numbers = select(near.c.n).where(same, condition).order_by(*order).limit(most)
        those = incidents.c.n.in_(numbers.correlate(given.table))
        return _joined(given, incidents.c.site_id == given.c.site_id, those)
    top = select(near).where(same, condition).order_by(*order).limit(most).lateral("top")
    return select(*_columns(given.dialect, top)).select_from(given.table.join(top, true()))


_AT: dict[str, Kind] = {"site_id": Number, "epoch": Integer, "at": UTCDateTime}
_PLACE: dict[str, Kind] = {"site_id": Number, "epoch": Integer, "due": UTCDateTime, "n": Integer}

NAMED = Query(_named, read, site_id=Number, n=Integer)
"""The incidents with the given sites and numbers."""

MEMBERS = Query(_members, read, site_id=Number, suspension=Integer)
"""The incidents on which the given suspensions are based (R2)."""

NEAREST_BEFORE = Query(lambda given: _nearest(given, before=True), read, **_AT)
"""The last `most` countable incidents up to the given times, by site and epoch (R1)."""

NEAREST_AFTER = Query(lambda given: _nearest(given, before=False), read, **_AT)
"""The first `most` countable incidents after the given times, by site and epoch (R1)."""

REACHED_BEFORE = Query(_reached_before, read, **_PLACE)
"""The last `most` incidents before the given positions whose person was reached in time (R3)."""

REACHED_FROM = Query(_reached_from, read, **_PLACE)
"""All incidents from the given positions on whose person was reached in time (R3)."""
