"""Queries of the sites that could not be compared with the world since the record lost its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from incidents.store.schema.tables import sites
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


def problems(connection: Connection) -> dict[str, str]:
    """All of them, by their names, each with why."""
    asked = select(sites.c.name, table.c.problem).join(sites, sites.c.id == table.c.site_id)
    return {row.name: row.problem for row in connection.execute(asked)}


def first(connection: Connection, most: int) -> Uncompared | None:
    """What people are told of them, naming at most so many; None where there are none."""
    count, since = connection.execute(select(func.count(), func.min(table.c.since))).one()
    if not count:
        return None
    asked = select(sites.c.name, table.c.problem).join(sites, sites.c.id == table.c.site_id)
    named = connection.execute(asked.order_by(sites.c.name).limit(most))
    return Uncompared(count, since, [(row.name, row.problem) for row in named])


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
    for row in rows:
        own = table.c.site_id == row["site_id"]
        is_other = table.c.problem != row["problem"]
        connection.execute(update(table).where(own, is_other).values(problem=row["problem"]))


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
