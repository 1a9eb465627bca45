"""Writes the entries, which are never changed afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from incidents.store.given import execute
from incidents.store.tables import DESK_STREAM, entries


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in its site's stream, when it was recorded (UTC), its canonical JSON."""

    site_id: int
    site_seq: int
    recorded_at: datetime
    body: str


def add(connection: Connection, new: Sequence[Entry]) -> None:
    """Writes entries, in the order given."""
    execute(
        connection,
        _NEW,
        [
            {
                "site_id": entry.site_id, "site_seq": entry.site_seq,
                "recorded_at": entry.recorded_at, "body": entry.body,
            }
            for entry in new
        ],
    )  # fmt: skip


def last_of_desk(connection: Connection) -> datetime | None:
    """When the last entry of the desk's own stream was recorded (UTC)."""
    statement = select(func.max(entries.c.recorded_at)).where(entries.c.site_id == DESK_STREAM)
    recorded_at: datetime | None = connection.scalar(statement)
    return recorded_at


_NEW = insert(entries)
