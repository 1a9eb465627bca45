"""Positions in the write-ahead log of PostgreSQL: of the primary, and of a standby."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Boolean, Connection, Text, literal_column, select

from incidents.store.schema.types import UTCDateTime
from incidents.store.statement import Query

if TYPE_CHECKING:
    from incidents.store.postgresql.server_connection import ServerConnection

PRIMARY_S = 3.0
"""How long the primary may take to say its position."""

ANSWER_S = 2.0
"""How long a standby may take to say where it is."""


@dataclass(frozen=True, slots=True)
class Position:
    """What the primary had written at one moment: bytes of its log, and its own time (UTC).

    `system`: which database it is, the same for all its copies. `timeline`: changes at each
    failover. `taken`: the same moment by this process's monotonic clock, in seconds.
    """

    lsn: int
    at: datetime
    system: str
    timeline: str
    taken: float

    @property
    def now(self) -> datetime:
        """The primary's time now, as this process's clock continues it."""
        return self.at + timedelta(seconds=time.monotonic() - self.taken)


@dataclass(frozen=True, slots=True)
class State:
    """What the replica shows: its position, and the time (UTC, the primary's) as of which it is.

    `lag`: at most so far behind the primary.
    """

    lsn: int
    as_of: datetime
    lag: timedelta


@dataclass(frozen=True, slots=True)
class Shown:
    """The standby's answer about itself; `replayed_at`: the time of its last commit."""

    is_standby: bool
    lsn: int | None
    replayed_at: datetime | None
    clock: datetime
    system: str


def of_primary(connection: Connection) -> Position:
    """Ask the primary; raises DBAPIError, also if it is a standby by now."""
    with briefly(connection, PRIMARY_S):
        [found] = _PRIMARY.fetch(connection).all()
    return found


def of_standby(connection: Connection) -> Shown:
    """Ask a standby what it shows; raises DBAPIError."""
    # Before the transaction that is read: its state is at least this one.
    with briefly(connection, ANSWER_S):
        [shown] = _STANDBY.fetch(connection).all()
    return shown


def shown_by(driver: ServerConnection) -> int | None:
    """The position that the server of an idle connection shows; None if it is no standby.

    Raises:
        psycopg.Error: if it does not answer.
    """
    autocommit, limit_s = driver.autocommit, driver.limit_s
    driver.autocommit, driver.limit_s = True, ANSWER_S
    found = driver.execute(f"SELECT {_REPLAYED} WHERE pg_is_in_recovery()").fetchone()
    driver.autocommit, driver.limit_s = autocommit, limit_s
    return None if found is None else found[0]


@contextmanager
def briefly(connection: Connection, limit_s: float) -> Iterator[None]:
    """Allow single queries; each fails if the server says nothing for `limit_s` seconds."""
    connection.execution_options(isolation_level="AUTOCOMMIT", incidents_limit_s=limit_s)
    with connection.begin():
        yield


# A copy of a database keeps the server's number and the database's.
_SYSTEM = literal_column(
    "(SELECT system_identifier FROM pg_control_system()) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())",
    Text,
).label("system")


def _bytes(position: str) -> str:
    return f"CAST(pg_wal_lsn_diff({position}, '0/0') AS bigint)"


_REPLAYED = _bytes("pg_last_wal_replay_lsn()")
# All that is visible is on disk up to here, unless commits do not wait for the disk.
_VISIBLE = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()"
    " ELSE pg_current_wal_flush_lsn() END"
)
# A file of the log is named by timeline and position.
_TIMELINE = "substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8)"
_PRIMARY: Query[Position] = Query(
    lambda _: select(
        literal_column(_bytes(_VISIBLE), BigInteger).label("lsn"),
        literal_column("clock_timestamp()", UTCDateTime).label("at"),
        _SYSTEM,
        literal_column(_TIMELINE, Text).label("timeline"),
    ),
    lambda row: Position(row[0], row[1], row[2], row[3], time.monotonic()),
)
_STANDBY: Query[Shown] = Query(
    lambda _: select(
        literal_column("pg_is_in_recovery()", Boolean).label("is_standby"),
        literal_column(_REPLAYED, BigInteger).label("lsn"),
        literal_column("pg_last_xact_replay_timestamp()", UTCDateTime).label("replayed_at"),
        literal_column("clock_timestamp()", UTCDateTime).label("clock"),
        _SYSTEM,
    ),
    lambda row: Shown(*row),
)
