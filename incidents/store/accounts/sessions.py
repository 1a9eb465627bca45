"""Queries of sessions: who has come in and is here still."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, delete, insert, select, update

from incidents.store.accounts.accounts import Account
from incidents.store.schema.account_tables import accounts, sessions


class Session(NamedTuple):
    """A session, with its account; `proved_at` is when the person last proved who they are, `how`
    says by what it began, and `place` at which address; `seal` as of `accounts.seal`."""

    id: str
    made_at: datetime
    seen_at: datetime
    proved_at: datetime
    how: str
    place: str | None
    seal: str | None
    account: Account


def of_digest(connection: Connection, digest: bytes) -> Session | None:
    """The session of that cookie, with its account."""
    row = connection.execute(_sessions().where(sessions.c.digest == digest)).one_or_none()
    return None if row is None else _session(row)


def of_id(connection: Connection, id_: str) -> Session | None:
    """The session of that id, with its account."""
    row = connection.execute(_sessions().where(sessions.c.id == id_)).one_or_none()
    return None if row is None else _session(row)


def of(
    connection: Connection, handle: str | None, *, made: datetime, seen: datetime
) -> list[Session]:
    """The sessions of that account, of all without one, that were made after `made` and in use
    after `seen`; the newest first."""
    of = sessions.c
    wanted = _sessions().where(of.made_at > made, of.seen_at > seen)
    if handle is not None:
        wanted = wanted.where(of.handle == handle)
    return [_session(row) for row in connection.execute(wanted.order_by(of.made_at.desc(), of.id))]


def _sessions() -> Select[Any]:
    of = sessions.c
    told = (of.id, of.made_at, of.seen_at, of.proved_at, of.how, of.place, of.seal)
    joined = sessions.join(accounts, accounts.c.handle == of.handle)
    return select(*told, *accounts.c).select_from(joined)


def _session(row: Any) -> Session:
    own = len(Session._fields) - 1
    return Session._make((*row[:own], Account(*row[own:])))


def add(connection: Connection, digest: bytes, new: Session) -> None:
    """Keeps a session of somebody who has proved who they are."""
    own = new._asdict()
    account = own.pop("account")
    connection.execute(insert(sessions).values(own | {"digest": digest, "handle": account.handle}))


def see(connection: Connection, digest: bytes, at: datetime) -> None:
    """Marks that it is in use."""
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(seen_at=at))


def prove(connection: Connection, digest: bytes, proved: Session) -> None:
    """Marks that its person has proved anew who they are."""
    at = proved.proved_at
    values = {"seen_at": at, "proved_at": at, "seal": proved.seal}
    connection.execute(update(sessions).where(sessions.c.digest == digest).values(values))


def end(connection: Connection, id_: str) -> bool:
    """Forgets it; whether it was there still."""
    return connection.execute(delete(sessions).where(sessions.c.id == id_)).rowcount > 0


def end_all(connection: Connection, handle: str) -> list[str]:
    """Forgets all of that account; their ids."""
    ended = delete(sessions).where(sessions.c.handle == handle).returning(sessions.c.id)
    return sorted(connection.scalars(ended))


def forget(connection: Connection, *, made: datetime, seen: datetime) -> None:
    """Forgets those made before `made` or last in use before `seen`."""
    over = (sessions.c.made_at < made) | (sessions.c.seen_at < seen)
    connection.execute(delete(sessions).where(over))
