"""Queries of the lineage: which server this history is on, and how often it had to go on from less.

PostgreSQL begins another timeline whenever a standby takes over and whenever a backup is recovered,
and another cluster has another identifier: what was known of orders before may be missing here. A
SQLite file tells nothing of where it comes from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, literal, null, select, update

from incidents.store.statement import Question
from incidents.store.tables import desk

_TIMELINE_DIGITS = 8


class Lineage(NamedTuple):
    """The history's epoch, the server that it was on when somebody looked last, and the one that it
    is on (None: it cannot be told); since when (UTC) the world is to be compared with it."""

    epoch: int
    known: str | None
    found: str | None
    unproved_since: datetime | None

    @property
    def is_new(self) -> bool:
        """Whether it was known on another server than this one."""
        return self.known is not None and self.found != self.known


def look(connection: Connection) -> Lineage:
    """How it stands; in a transaction that could write, since a standby has no lineage of its
    own."""
    [found] = _LOOK.ask(connection).all()
    return found


def epoch(connection: Connection) -> tuple[int, datetime | None]:
    """The history's epoch, and since when (UTC) the world is to be compared with it: for who only
    looks, on a standby too."""
    row = connection.execute(select(desk.c.epoch, desk.c.unproved_since)).one()
    return row.epoch, row.unproved_since


def adopt(connection: Connection, found: str) -> None:
    """From now on it is known to be on that server."""
    connection.execute(update(desk).values(lineage=found))


def resume(connection: Connection, epoch: int, found: str | None, unproved: datetime) -> None:
    """It goes on in that epoch; since `unproved` (UTC) the world is to be compared with it."""
    new = {"epoch": epoch, "lineage": found, "unproved_since": unproved}
    connection.execute(update(desk).values(new))


def prove(connection: Connection, epoch: int) -> None:
    """The world is as that epoch of the history says."""
    connection.execute(update(desk).where(desk.c.epoch == epoch).values(unproved_since=None))


def _look(dialect: str) -> tuple[Select[Any], None]:
    found: Any = null()
    if dialect == "postgresql":
        wal = func.pg_walfile_name(func.pg_current_wal_lsn())
        timeline = func.left(wal, _TIMELINE_DIGITS)
        server = func.pg_control_system().table_valued("system_identifier", name="server")
        identifier = select(server.c.system_identifier).scalar_subquery()
        found = func.concat(identifier, literal("/"), timeline)
    return select(desk.c.epoch, desk.c.lineage, found, desk.c.unproved_since), None


_LOOK: Question[Lineage] = Question(_look, lambda row: Lineage(*row))
