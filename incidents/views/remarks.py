"""The remarks: what customers wrote when they said that the content is gone, by the record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select

from incidents.machine.events import RemovalSaid
from incidents.record import entry
from incidents.store.schema.tables import entries
from incidents.store.schema.types import UTCDateTime
from incidents.store.statements.values_table import Given

Key = tuple[int, int]
"""A site's id, and an incident's number there."""


def find(connection: Connection, said: Mapping[Key, datetime]) -> dict[Key, str]:
    """The references to the remarks on those incidents, by when it was said; one query.

    Who said so without a remark is left out.
    """
    if not said:
        return {}
    statement, given = _statement(connection.dialect.name)
    sites = {site_id for site_id, _ in said}
    found: dict[Key, str] = {}
    for row in connection.execute(statement, given.parameters((at,) for at in said.values())):
        # Asked for by its site, too, SQLite would read all that is on record of the site.
        event = entry.decode(row.body)[1] if row.site_id in sites else None
        if isinstance(event, RemovalSaid) and event.note is not None:
            found[row.site_id, event.incident] = event.note
    return found


@cache
def _statement(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, recorded_at=UTCDateTime)
    of = entries.c
    on = of.recorded_at == given.table.c.recorded_at
    return given.joined((of.site_id, of.body), entries, on), given
