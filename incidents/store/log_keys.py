"""Queries of the log's keys, public ones: the one that signs, and those that did."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select

from incidents.store.log_tables import log_keys


class Key(NamedTuple):
    """A key (C2SP signed-note), its entry in the desk's own stream, since when (UTC), by whom."""

    key: str
    seq: int
    made_at: datetime
    by: str


def active(connection: Connection) -> str | None:
    """The key that signs now; None before the first."""
    newest = select(log_keys.c.key).order_by(log_keys.c.seq.desc()).limit(1)
    found: str | None = connection.scalar(newest)
    return found


def every(connection: Connection) -> dict[str, Key]:
    """All keys by themselves, the oldest first."""
    rows = connection.execute(select(log_keys).order_by(log_keys.c.seq))
    return {row.key: Key(row.key, row.seq, row.made_at, row.by) for row in rows}


def add(connection: Connection, new: Key) -> None:
    """Keeps a key, which signs from now on."""
    connection.execute(insert(log_keys).values(new._asdict()))
