"""Queries of the lineage: which database this is, on which server, and how it went on from less.

PostgreSQL begins another timeline whenever a standby takes over and whenever a backup is recovered,
and another cluster has another identifier: what was known of orders before may be missing here. A
SQLite file tells nothing of where it comes from. The database's identity, a word that was drawn
when it was made, stays with it wherever a copy of it is put.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, and_, delete, func, literal, null, select, update

from incidents.store.schema.desk_tables import desk, uncompared
from incidents.store.statement import Query
from incidents.store.values_table import ValuesTable

STRANGE_FOR = timedelta(days=30)
"""So long after a loss a site that is added may be one that the record has lost: what was done
about it in the world is still so."""

UNKNOWN_SERVER, LOST_AGAIN = "unknown_server", "lost_again"
"""Why a database is halted: it is on another server than before, and the daemon that found that
knew nothing of it; or its end was lost once more before a person knew of the first time, or within
an hour of it."""

_TIMELINE_DIGITS = 8


class Lineage(NamedTuple):
    """The database's identity, its history's epoch, the server that it was on when somebody looked
    last (None: nobody could tell), and the one that it is on (None: it cannot be told)."""

    identity: str
    epoch: int
    known: str | None = None
    found: str | None = None

    @property
    def is_new(self) -> bool:
        """Whether it was known on another server than this one."""
        return None not in (self.known, self.found) and self.found != self.known


class Standing(NamedTuple):
    """How the history stands, as the desk's row says it; times in UTC.

    `resumed_at`: when its epoch began, None in the first one. `lost_since`: since when entries are
    known to be missing, until a person has put on record that they know. `moved_at`: when it was
    found on another server, with nothing known to be missing. `unproved_since`: since when the
    world is to be compared with it. `halted_since`: since when nothing is carried out, until a
    person goes on, and `halted_why`; None where a version of before 0017 halted it. `noticed_at`:
    when the last loss was noticed, whoever has gone on since; None where nothing is known to be
    missing. `compared_at`: when every site had been compared with the world in this epoch; None
    until then.
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
        """Whether every site was compared with the world since the epoch began."""
        return self.compared_at is not None

    @property
    def lost_at(self) -> datetime | None:
        """When the end was lost, as far as is known; None where it never was."""
        return self.noticed_at or self.lost_since or self.resumed_at

    @property
    def strange_until(self) -> datetime | None:
        """So long a site that is added may be one that the record has lost; None where none is."""
        return None if self.noticed_at is None else self.noticed_at + STRANGE_FOR


def look(connection: Connection) -> Lineage:
    """Which it is; in a transaction that could write, since a standby has no lineage of its own."""
    query = _LOOK
    if connection.dialect.name == "postgresql" and not connection.scalar(_TELLS):
        # A role may be kept from it: then it cannot be told.
        query = _LOOK_ASIDE
    [found] = query.fetch(connection).all()
    return found


def standing(connection: Connection) -> Standing:
    """How it stands: for who only looks, on a standby too."""
    [found] = _STANDING.fetch(connection).all()
    return found


def adopt(connection: Connection, found: str) -> None:
    """From now on it is known to be on that server."""
    connection.execute(update(desk).values(lineage=found))


def resume(connection: Connection, new: Standing, found: str | None) -> None:
    """It goes on like that; `found` is the server that it is on, None where it cannot be told."""
    values = new._asdict()
    if found is not None:
        values["lineage"] = found
    connection.execute(update(desk).values(values))
    # What could not be compared with an epoch is to be compared with the next, whatever came of it.
    connection.execute(delete(uncompared))


def halt(connection: Connection, now: datetime, why: str) -> None:
    """From now on (UTC) nothing is carried out, until a person goes on; where it is so already, it
    stays as it is."""
    is_new = desk.c.halted_since.is_(None)
    connection.execute(update(desk).where(is_new).values(halted_since=now, halted_why=why))


def prove(connection: Connection, epoch: int) -> None:
    """The world is as that epoch of the history says."""
    connection.execute(update(desk).where(desk.c.epoch == epoch).values(unproved_since=None))


def compared(connection: Connection, epoch: int, now: datetime) -> None:
    """By `now` (UTC) every site was compared with that epoch of the history; that stays so when one
    is doubted later."""
    own = and_(desk.c.epoch == epoch, desk.c.compared_at.is_(None))
    connection.execute(update(desk).where(own).values(compared_at=now))


def doubt(connection: Connection, epoch: int, now: datetime) -> None:
    """The world is not as that epoch of the history says, known since then (UTC)."""
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
