"""The remarks of customers on the removals that they reported, read from the record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, select

from incidents.machine.events import RemovalSaid
from incidents.record import entry
from incidents.store.archive import whole
from incidents.store.archive.part import PartAlteredError, PartMissingError
from incidents.store.schema.desk_tables import entries
from incidents.store.schema.types import UTCDateTime
from incidents.store.values_table import ValuesTable

Key = tuple[int, int]
"""A site's id, and an incident's number there."""


def find_remarks(connection: Connection, reported: Mapping[Key, datetime]) -> dict[Key, str]:
    """The references to the customers' remarks on those incidents, in one query.

    `reported`: when each customer reported the removal. Reports without a remark are left out.
    """
    if not reported:
        return {}
    statement, given = _remarks_statement(connection.dialect.name)
    sites = {site_id for site_id, _ in reported}
    found: dict[Key, str] = {}
    times = [(at,) for at in reported.values()]
    rows = list(connection.execute(statement, given.parameters(times)))
    rows += _in_parts(connection, reported.values())
    for row in rows:
        # Without the site: with it, SQLite would read all the site's entries.
        event = entry.decode(row.body)[1] if row.site_id in sites else None
        if isinstance(event, RemovalSaid) and event.note is not None:
            found[row.site_id, event.incident] = event.note
    return found


def _in_parts(connection: Connection, moments: Collection[datetime]) -> list[Any]:
    """The entries in the archive's parts that were recorded at those times, as far as there are."""
    of, found = entries.c, list[Any]()
    for moment in moments:
        query = select(of.site_id, of.body).where(of.recorded_at == moment)
        # The queue must go on without a part; `show` names it.
        with suppress(PartMissingError, PartAlteredError):
            found += whole.in_parts(connection, query, whole.at(moment))
    return found


@cache
def _remarks_statement(dialect: str) -> tuple[Select[Any], ValuesTable]:
    given = ValuesTable(dialect, recorded_at=UTCDateTime)
    of = entries.c
    on = of.recorded_at == given.c.recorded_at
    return given.joined((of.site_id, of.body), entries, on), given
