"""Queries of the sites that could not be compared with the world since the record lost its end."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, not_, select, update

from incidents.machine.case import UNKNOWN
from incidents.machine.events import StateSeen
from incidents.store.record.lineage import Standing
from incidents.store.schema.tables import entries, sites
from incidents.store.schema.tables import uncompared as table
from incidents.store.statements.values_table import insert_missing

_AT_ONCE = 500
"""So many names in one statement: SQLite limits the variables of one."""


class Uncompared(NamedTuple):
    """How many they are, since when the first of them is one (UTC), and the first names, each with
    why."""

    sites: int
    since: datetime
    named: list[tuple[str, str]]


def problems(connection: Connection, names: Collection[str] | None = None) -> dict[str, str]:
    """All of them, or those of these names, by their names, each with why."""
    asked = select(sites.c.name, table.c.problem).join(sites, sites.c.id == table.c.site_id)
    if names is not None and len(names) <= _AT_ONCE:
        asked = asked.where(sites.c.name.in_(names))
    return {row.name: row.problem for row in connection.execute(asked)}


def first(connection: Connection, most: int) -> Uncompared | None:
    """What people are told of them, naming at most so many; None where there are none."""
    count, since = connection.execute(select(func.count(), func.min(table.c.since))).one()
    if not count:
        return None
    asked = select(sites.c.name, table.c.problem).join(sites, sites.c.id == table.c.site_id)
    named = connection.execute(asked.order_by(sites.c.name).limit(most))
    return Uncompared(count, since, [(row.name, row.problem) for row in named])


def compared(connection: Connection, standing: Standing, site_ids: Iterable[int]) -> set[int]:
    """Which of the sites with those ids were compared in the epoch that runs, as far as the record
    tells: all that were there when it began, once every one had been, and those of which was put on
    record since how they are."""
    asked, found = sorted(set(site_ids)), set[int]()
    for at in range(0, len(asked), _AT_ONCE):
        own = asked[at : at + _AT_ONCE]
        if standing.is_compared:
            old = and_(sites.c.id.in_(own), sites.c.created_at <= standing.resumed_at)
            found.update(connection.scalars(select(sites.c.id).where(old)))
        own = [id_ for id_ in own if id_ not in found]
        since = and_(entries.c.site_id.in_(own), entries.c.recorded_at > standing.resumed_at)
        seen = entries.c.body.contains(f'"kind":"{StateSeen.kind}"')
        known = not_(entries.c.body.contains(f'"seen":"{UNKNOWN}"'))
        told = select(entries.c.site_id).where(since, seen, known).distinct()
        found.update(connection.scalars(told))
    return found


def owed(connection: Connection, standing: Standing, names: Collection[str]) -> set[str]:
    """Which of those sites were not compared in the epoch that runs."""
    ids = _ids(connection, names)
    done = compared(connection, standing, ids.values())
    return {name for name in names if name not in ids or ids[name] not in done}


def note(connection: Connection, found: Mapping[str, str], now: datetime) -> None:
    """At `now` (UTC) those could not be compared, each with why; since when one could not stays."""
    ids = _ids(connection, found)
    rows = [
        {"site_id": ids[name], "since": now, "problem": problem}
        for name, problem in sorted(found.items())
        if name in ids
    ]
    if not rows:
        return
    connection.execute(insert_missing(connection, table), rows)
    for problem in sorted(set(found.values())):
        own = sorted(ids[name] for name in found.keys() & ids.keys() if found[name] == problem)
        for at in range(0, len(own), _AT_ONCE):
            those = table.c.site_id.in_(own[at : at + _AT_ONCE])
            is_other = table.c.problem != problem
            connection.execute(update(table).where(those, is_other).values(problem=problem))


def settle(connection: Connection, names: Collection[str]) -> None:
    """Those were compared."""
    ids = sorted(_ids(connection, names).values())
    for at in range(0, len(ids), _AT_ONCE):
        connection.execute(delete(table).where(table.c.site_id.in_(ids[at : at + _AT_ONCE])))


def _ids(connection: Connection, names: Collection[str]) -> dict[str, int]:
    asked, found = sorted(names), dict[str, int]()
    for at in range(0, len(asked), _AT_ONCE):
        named = sites.c.name.in_(asked[at : at + _AT_ONCE])
        rows = connection.execute(select(sites.c.name, sites.c.id).where(named))
        found |= {row.name: row.id for row in rows}
    return found
