"""Queries of the keys that `serve` seals with: never the key, but by what it is known."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, delete, insert, select

from incidents.store import sign_ins
from incidents.store.account_tables import serve_keys, sessions
from incidents.store.sign_ins import OK, SignIn


class ServeKey(NamedTuple):
    """A key: its place among those of this database, its SHA-256, and since when (UTC)."""

    number: int
    digest: str
    since: datetime


def newest(connection: Connection) -> ServeKey | None:
    """The key that holds; None before the first start of `serve`."""
    row = connection.execute(
        select(serve_keys).order_by(serve_keys.c.number.desc()).limit(1)
    ).one_or_none()
    return None if row is None else ServeKey(*row)


def add(connection: Connection, new: ServeKey) -> None:
    """From now on this one holds, and all sessions have ended."""
    connection.execute(insert(serve_keys).values(new._asdict()))
    ended = delete(sessions).returning(sessions.c.id, sessions.c.handle)
    told = [
        SignIn(new.since, "sign_out", OK, "rekeyed", handle, session=id_)
        for id_, handle in sorted(connection.execute(ended).all())
    ]
    sign_ins.add(connection, *told)
