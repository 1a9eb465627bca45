"""Queries for invitations: whom an administrator has asked to choose a password."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from incidents.store.schema.access_tables import invitations


class Invitation(NamedTuple):
    """An invitation. `digest`: the SHA-256 of its secret. `seal`: see `accounts.serve_key`.

    `by`: the person who made it. All times are in UTC.
    """

    id: str
    handle: str
    digest: str
    made_at: datetime
    by: str
    expires_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
    seal: str | None = None

    def is_open(self, now: datetime) -> bool:
        """Whether it can be used at `now`, as far as its own row says."""
        return self.used_at is None and self.revoked_at is None and now < self.expires_at


def add(connection: Connection, new: Invitation) -> None:
    """Add an invitation."""
    connection.execute(insert(invitations).values(new._asdict()))


def of_id(connection: Connection, id_: str) -> Invitation | None:
    """The invitation with that id."""
    if not (id_.isascii() and id_.isalnum()):
        return None
    row = connection.execute(select(invitations).where(invitations.c.id == id_)).one_or_none()
    return None if row is None else Invitation(*row)


def of_digest(connection: Connection, digest: str) -> Invitation | None:
    """The invitation whose secret has that digest."""
    wanted = select(invitations).where(invitations.c.digest == digest)
    row = connection.execute(wanted).one_or_none()
    return None if row is None else Invitation(*row)


def of_account(connection: Connection, handle: str | None = None) -> list[Invitation]:
    """The invitations of an account, or of all if None, newest first."""
    wanted = select(invitations).order_by(invitations.c.made_at.desc(), invitations.c.id)
    if handle is not None:
        wanted = wanted.where(invitations.c.handle == handle)
    return [Invitation(*row) for row in connection.execute(wanted)]


def use(connection: Connection, id_: str, at: datetime) -> None:
    """Note that an invitation was used."""
    connection.execute(update(invitations).where(invitations.c.id == id_).values(used_at=at))


def revoke(connection: Connection, id_: str, at: datetime) -> None:
    """Revoke an invitation."""
    connection.execute(update(invitations).where(invitations.c.id == id_).values(revoked_at=at))


def seal(connection: Connection, id_: str, seal: str | None) -> None:
    """Set the seal of an invitation."""
    connection.execute(update(invitations).where(invitations.c.id == id_).values(seal=seal))
