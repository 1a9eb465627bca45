"""Queries of policies: the active one, and those that were."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Text, cast, func, select, update

from incidents.store.schema.tables import desk, policies
from incidents.store.statements.statement import Question
from incidents.store.statements.values_table import insert_missing

# "policies" in ASCII: an advisory lock has a number, not a name.
_LOCK = 0x706F6C6963696573


def active(connection: Connection) -> str:
    """The digest of the active policy."""
    [digest] = ACTIVE.ask(connection).all()
    return digest


def active_toml(connection: Connection) -> str:
    """The active policy's file."""
    [text] = _ACTIVE_TOML.ask(connection).all()
    return text


def toml(connection: Connection, digest: str) -> str:
    """A policy's file."""
    wanted = select(policies.c.toml).where(policies.c.digest == digest)
    text: str = connection.execute(wanted).scalar_one()
    return text


def keep(connection: Connection) -> None:
    """Lets no policy be activated before this transaction ends; such transactions share this.

    An advisory lock on PostgreSQL, since a shared lock of the desk's one row would be written to
    it by every act; on SQLite whoever writes has the whole file.
    """
    if connection.dialect.name == "postgresql":
        _KEPT.ask(connection)


def stop(connection: Connection) -> None:
    """Waits until no transaction keeps the active policy, and makes new ones wait."""
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))


def lock_desk(connection: Connection) -> tuple[str, int]:
    """The active policy's digest and the desk's last sequence number, locked, after all sites."""
    row = connection.execute(select(desk.c.policy, desk.c.seq).with_for_update()).one()
    return row.policy, row.seq


def activate(
    connection: Connection,
    *,
    digest: str,
    text: str,
    at: datetime,
    by: str,
    reason: str,
) -> None:
    """Makes a policy the active one; `reason` is a reference to a sealed value."""
    row = {"digest": digest, "toml": text, "activated_at": at, "by": by, "reason": reason}
    # One that was active before is on record as it came first; its entries tell the rest.
    connection.execute(insert_missing(connection, policies), [row])
    connection.execute(update(desk).values(policy=digest))


ACTIVE: Question[str] = Question(lambda _: (select(desk.c.policy), None), lambda row: str(row[0]))
"""The digest of the active policy."""

_ACTIVE_TOML: Question[str] = Question(
    lambda _: (select(policies.c.toml).join(desk, desk.c.policy == policies.c.digest), None),
    lambda row: str(row[0]),
)

# The column is of no type that could be read.
_KEPT: Question[None] = Question(
    lambda _: (select(cast(func.pg_advisory_xact_lock_shared(_LOCK), Text)), None), lambda _: None
)
