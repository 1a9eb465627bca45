"""Queries for thinning: old checkpoints with what others added to them, and their deletion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, exists, func, select, text

from incidents.store.schema.log_tables import checkpoints, cosignatures, stamps

_AT_ONCE = 5_000


class Old(NamedTuple):
    """A checkpoint: when it was signed (UTC), by which key, and by which witnesses.

    `stamped`: it has a timestamp.
    """

    id: int
    signed_at: datetime
    key: str
    stamped: bool
    witnesses: Sequence[str]


def signed_before(connection: Connection, before: datetime) -> Iterator[Old]:
    """The checkpoints before the first one that was signed at `before` (UTC) or later, in order."""
    of = checkpoints.c
    stamped = exists().where(stamps.c.checkpoint == of.id)
    query = select(of.id, of.signed_at, of.key, stamped).order_by(of.id).limit(_AT_ONCE)
    last = 0
    while rows := connection.execute(query.where(of.id > last)).all():
        witnesses = _witnesses(connection, rows[0].id, rows[-1].id)
        for id_, signed_at, key, has_stamp in rows:
            if signed_at >= before:
                return
            yield Old(id_, signed_at, key, has_stamp, witnesses.get(id_, ()))
        last = rows[-1].id


def _witnesses(connection: Connection, first: int, last: int) -> dict[int, list[str]]:
    of = cosignatures.c
    found: dict[int, list[str]] = {}
    for id_, witness in connection.execute(
        select(of.checkpoint, of.witness).where(of.checkpoint.between(first, last))
    ):
        found.setdefault(id_, []).append(witness)
    return found


def remove(connection: Connection, ids: Sequence[int]) -> int:
    """Delete those checkpoints, with the witnesses' signatures; return how many there were."""
    connection.execute(delete(cosignatures).where(cosignatures.c.checkpoint.in_(ids)))
    return connection.execute(delete(checkpoints).where(checkpoints.c.id.in_(ids))).rowcount


def may_remove(connection: Connection) -> bool:
    """Whether this database role may delete checkpoints; on SQLite everybody may."""
    if connection.dialect.name == "sqlite":
        return True
    tables = (checkpoints.name, cosignatures.name)
    rights = (func.has_table_privilege(name, "DELETE") for name in tables)
    return all(connection.execute(select(*rights)).one())


def signed_and_there(connection: Connection) -> tuple[int, int] | None:
    """How many checkpoints SQLite has numbered, and how many are there.

    None on PostgreSQL, where a rolled-back transaction leaves a gap in the numbers.
    """
    if connection.dialect.name != "sqlite":
        return None
    counted = text("SELECT seq FROM sqlite_sequence WHERE name = 'checkpoints'")
    there = select(func.count()).select_from(checkpoints)
    return connection.scalar(counted) or 0, connection.scalar(there) or 0
