"""Queries for suspensions: the R2 cases, and the cases in a row as a policy counts them (R3).

`sites.run` is the count after the last event; another policy may count differently.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, Select, tuple_

from incidents.machine.case import Suspension
from incidents.machine.policy import Policy
from incidents.store.cases import incidents
from incidents.store.cases.slices import FIRST, LAST
from incidents.store.compiled import Row
from incidents.store.schema.tables import standing, suspensions
from incidents.store.schema.types import Number, UTCDateTime
from incidents.store.statement import Mutation, Query
from incidents.store.values_table import ValuesTable

Found = tuple[int, Suspension]
"""A site's id and the suspension."""

Changed = tuple[int, Suspension | None, Suspension]
"""A site's id, its suspension before (None: new) and now."""


def read(row: Any) -> Suspension:
    """The suspension of a row."""
    return Suspension(**{name: row[name] for name in _NAMES})


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Write suspensions, ended ones first, because a site may have only one running suspension."""
    changed = [(site, s.n, s.ended_at, s.struck) for site, was, s in changes if was is not None]
    new = [
        (site, *[getattr(suspension, name) for name in _NAMES])
        for site, was, suspension in changes
        if was is None
    ]
    _CHANGED.execute(connection, changed)
    _NEW.execute(connection, new)


def _found(row: Row) -> Found:
    site, *own = row
    return site, Suspension(**dict(zip(_NAMES, own, strict=True)))


def _select(given: ValuesTable, *on: ColumnElement[bool]) -> Select[Any]:
    same = suspensions.c.site_id == given.c.site_id
    return given.joined(suspensions.c, suspensions, same, *on)


def _standing_after(given: ValuesTable) -> Select[Any]:
    place = tuple_(suspensions.c.due, suspensions.c.starter)
    later = place > tuple_(given.c.due, given.c.starter)
    return _select(given, suspensions.c.epoch == given.c.epoch, later, standing)


_NAMES = tuple(column.name for column in suspensions.c if column.name != "site_id")
_NEW = Mutation(suspensions, "site_id", *_NAMES)
_CHANGED = Mutation(suspensions, "ended_at", "struck", keys=("site_id", "n"))

RUNNING: Query[Found] = Query(
    lambda given: _select(given, suspensions.c.ended_at.is_(None)), _found, site_id=Number
)
"""The running suspensions of the given sites, at most one for each site."""

NAMED: Query[Found] = Query(
    lambda given: _select(given, suspensions.c.n == given.c.n), _found, site_id=Number, n=Integer
)
"""The suspensions with the given sites and numbers."""

STANDING_AFTER: Query[Found] = Query(
    _standing_after, _found, site_id=Number, epoch=Integer, due=UTCDateTime, starter=Integer
)
"""The suspensions after the given positions that were not struck, so that R3 counts them."""


def under(
    connection: Connection, rows: Iterable[Mapping[str, Any]], policy: Policy
) -> Counter[int]:
    """The cases in a row (R3) on those sites under `policy`, by site id, in at most two queries."""
    epochs = {row["id"]: row["epoch"] for row in rows if row["last_suspension"]}
    since = dict.fromkeys(epochs, FIRST)
    if epochs and policy.run != "total":
        ends = sorted((id_, epoch, *LAST) for id_, epoch in epochs.items())
        for id_, reached in incidents.REACHED_BEFORE.fetch(connection, ends, most=1).all():
            since[id_] = reached.place
    if not epochs:
        return Counter()
    starts = sorted((id_, epoch, *since[id_]) for id_, epoch in epochs.items())
    return Counter(id_ for id_, _ in STANDING_AFTER.fetch(connection, starts).all())
