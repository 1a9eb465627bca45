"""Queries for the lineage: the database's identity and server, and whether it lost entries.

PostgreSQL begins a new timeline whenever a standby takes over or a backup is recovered, and another
cluster has another identifier: in both cases the record's latest entries may be missing. A SQLite
file says nothing about its origin. The identity of a database is a random word, which every copy
shares.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, func, literal, null, select, update

from incidents.store.schema.desk_tables import desk, uncompared
from incidents.store.statement import Query
from incidents.store.values_table import ValuesTable

MAY_BE_LOST_FOR = timedelta(days=30)
"""How long after a loss an added site may already exist in the live system, in any state."""

UNKNOWN_SERVER, LOST_AGAIN = "unknown_server", "lost_again"
"""The reasons for a halt.

`UNKNOWN_SERVER`: the database is on another server, and the daemon that detected this had no mark
for it. `LOST_AGAIN`: the database lost its latest entries again before a person knew of the first
loss, or within an hour.
"""

_TIMELINE_DIGITS = 8


class Lineage(NamedTuple):
    """The database's identity, the epoch of its history, and its server.

    `known`: the last known server; `found`: the present server (None: unknown).
    """

    identity: str
    epoch: int
    known: str | None = None
    found: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether the database was last known on another server."""
        return None not in (self.known, self.found) and self.found != self.known


class Standing(NamedTuple):
    """The state of the history, from the desk's row; times in UTC.

    `resumed_at`: when its epoch began, None in the first epoch. `lost_since`: since when entries
    are known to be missing, until a person acknowledges the loss on record. `moved_at`: when the
    database was found on another server, with nothing known to be missing. `unproved_since`: since
    when the live system must be compared with the history. `halted_since`: since when no orders are
    carried out, until a person resumes; `halted_why`: the reason, None if a version before 0017
    halted the database. `noticed_at`: when the last loss was noticed, even if it was acknowledged;
    None if nothing is known to be missing. `compared_at`: when the last site was compared with its
    actual state in this epoch; None until then.
    """

    epoch: int
    resumed_at: datetime | None
    lost_since: datetime | None
    moved_at: datetime | None
    unproved_since: datetime | None
    halted_since: datetime | None
    halted_why: str | None
    noticed_at: datetime | None
    compared_at: datetime | None

    @property
    def is_compared(self) -> bool:
        """Whether every site's actual state was compared since the epoch began."""
        return self.compared_at is not None

    @property
    def lost_at(self) -> datetime | None:
        """When the latest entries were lost, as far as known; None if no entries were lost."""
        return self.noticed_at or self.lost_since or self.resumed_at

    @property
    def may_be_lost_until(self) -> datetime | None:
        """The last time at which an added site may be one that the record lost; None if never."""
        return None if self.noticed_at is None else self.noticed_at + MAY_BE_LOST_FOR


def read(connection: Connection) -> Lineage:
    """The lineage, read in a transaction that could write.

    A standby, on which nothing can write, has no lineage of its own.
    """
    query = _LOOK
    if connection.dialect.name == "postgresql" and not connection.scalar(_TELLS):
        # The role may lack the permission to read it: then it is unknown.
        query = _LOOK_ASIDE
    [found] = query.fetch(connection).all()
    return found


def standing(connection: Connection) -> Standing:
    """The state of the history, for readers, on a standby too."""
    [found] = _STANDING.fetch(connection).all()
    return found


def record_server(connection: Connection, found: str) -> None:
    """Record that the database is on that server."""
    connection.execute(update(desk).values(lineage=found))


def resume(connection: Connection, new: Standing, found: str | None) -> None:
    """Write the state of the resumed history; `found`: the present server, None if unknown."""
    values = new._asdict()
    if found is not None:
        values["lineage"] = found
    connection.execute(update(desk).values(values))
    # Sites not compared in an epoch have to be compared in the next one anyway.
    connection.execute(delete(uncompared))


def halt(connection: Connection, now: datetime, why: str) -> None:
    """Halt orders from `now` (UTC) until a person resumes; an earlier halt is not changed."""
    is_new = desk.c.halted_since.is_(None)
    connection.execute(update(desk).where(is_new).values(halted_since=now, halted_why=why))


def prove(connection: Connection, epoch: int) -> None:
    """Record that the live system agrees with the record, if its epoch is still that epoch."""
    connection.execute(update(desk).where(desk.c.epoch == epoch).values(unproved_since=None))


def compared(connection: Connection, epoch: int, now: datetime) -> None:
    """Record that every site was compared in that epoch by `now` (UTC), whatever changes later."""
    own = and_(desk.c.epoch == epoch, desk.c.compared_at.is_(None))
    connection.execute(update(desk).where(own).values(compared_at=now))


def doubt(connection: Connection, epoch: int, now: datetime) -> None:
    """Record at `now` (UTC) that the live system differs from the record of that epoch."""
    known = func.coalesce(desk.c.unproved_since, literal(now, desk.c.unproved_since.type))
    connection.execute(update(desk).where(desk.c.epoch == epoch).values(unproved_since=known))


def _look(given: ValuesTable, *, aside: bool = False) -> Select[Any]:
    found: Any = null()
    if given.dialect == "postgresql" and not aside:
        wal = func.pg_walfile_name(func.pg_current_wal_lsn())
        timeline = func.left(wal, _TIMELINE_DIGITS)
        server = func.pg_control_system().table_valued("system_identifier", name="server")
        identifier = select(server.c.system_identifier).scalar_subquery()
        found = func.concat(identifier, literal("/"), timeline)
    return select(desk.c.identity, desk.c.epoch, desk.c.lineage, found)


def _may_run(function: str) -> Any:
    return func.has_function_privilege(func.to_regprocedure(function), "EXECUTE")


_LOOK: Query[Lineage] = Query(_look, lambda row: Lineage(*row))
_LOOK_ASIDE: Query[Lineage] = Query(
    lambda given: _look(given, aside=True), lambda row: Lineage(*row)
)
_TELLS = select(
    and_(
        _may_run("pg_control_system()"),
        _may_run("pg_walfile_name(pg_lsn)"),
        _may_run("pg_current_wal_lsn()"),
    )
)
_STANDING: Query[Standing] = Query(
    lambda _: select(*(desk.c[name] for name in Standing._fields)), lambda row: Standing(*row)
)
