"""Queries of suspensions: the R2 cases, running, standing in the run, or named."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Select, and_, bindparam, insert, select, tuple_, update

from incidents.machine.case import Suspension
from incidents.store.given import Given, execute
from incidents.store.tables import standing, suspensions
from incidents.store.types import Number, UTCDateTime

Key = tuple[int, int]
"""A site's id and the suspension's number there."""

Place = tuple[int, int, datetime, int]
"""A site's id, its epoch, and a place in the order of contact deadlines (R3)."""

Change = tuple[int, Suspension | None, Suspension]
"""A site's id, what its suspension was (None: new) and what it is."""


def running(connection: Connection, site_ids: Iterable[int]) -> dict[Key, Suspension]:
    """Those whose hours are running; at most one of a site."""
    statement, given = _running(connection.dialect.name)
    return _found(connection, statement, given.parameters([(id_,) for id_ in sorted(site_ids)]))


def named(connection: Connection, keys: Iterable[Key]) -> dict[Key, Suspension]:
    """Those of these numbers."""
    statement, given = _named(connection.dialect.name)
    return _found(connection, statement, given.parameters(sorted(keys)))


def standing_after(connection: Connection, places: Iterable[Place]) -> dict[Key, Suspension]:
    """Those after each place that have not been struck: what a run is counted from (R3)."""
    statement, given = _standing_after(connection.dialect.name)
    return _found(connection, statement, given.parameters(sorted(places)))


def read(row: Any) -> Suspension:
    """The suspension of a row."""
    return Suspension(**{name: row[name] for name in _NAMES})


def save(connection: Connection, changes: Sequence[Change]) -> None:
    """Writes suspensions; what has ended first, since only one of a site may run."""
    changed = [
        {"key_site": site, "key_n": now.n, "ended_at": now.ended_at, "struck": now.struck}
        for site, was, now in changes
        if was is not None
    ]
    new = [
        {"site_id": site, **{name: getattr(now, name) for name in _NAMES}}
        for site, was, now in changes
        if was is None
    ]
    execute(connection, _CHANGED, changed)
    execute(connection, _NEW, new)


def _found(
    connection: Connection, statement: Select[Any], parameters: dict[str, Any]
) -> dict[Key, Suspension]:
    rows = connection.execute(statement, parameters).mappings()
    return {(row["site_id"], row["n"]): read(row) for row in rows}


@cache
def _running(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number)
    on = and_(suspensions.c.site_id == given.table.c.site_id, suspensions.c.ended_at.is_(None))
    return select(suspensions).select_from(given.table.join(suspensions, on)), given


@cache
def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, n=Integer)
    on = and_(suspensions.c.site_id == given.table.c.site_id, suspensions.c.n == given.table.c.n)
    return select(suspensions).select_from(given.table.join(suspensions, on)), given


@cache
def _standing_after(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, epoch=Integer, due=UTCDateTime, starter=Integer)
    place = tuple_(suspensions.c.due, suspensions.c.starter)
    on = and_(
        suspensions.c.site_id == given.table.c.site_id,
        suspensions.c.epoch == given.table.c.epoch,
        place > tuple_(given.table.c.due, given.table.c.starter),
        standing,
    )
    return select(suspensions).select_from(given.table.join(suspensions, on)), given


_NAMES = tuple(column.name for column in suspensions.c if column.name != "site_id")
_NEW = insert(suspensions)
_CHANGED = update(suspensions).where(
    suspensions.c.site_id == bindparam("key_site"), suspensions.c.n == bindparam("key_n")
)
