"""Queries of clocks: when the next one runs out, whatever the site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, Engine, bindparam, select

from incidents.store.engine import reading
from incidents.store.statement import Question
from incidents.store.tables import desk, sites
from incidents.store.types import UTCDateTime


def earliest_due(connection: Connection, since: datetime | None = None) -> datetime | None:
    """The earliest due time of all sites, None if no clock runs; it is due strictly after it.

    With `since` (UTC) those before it are left out: what somebody else is at work on, say.
    """
    if since is None:
        return next(iter(_EARLIEST.ask(connection).all()), None)
    return next(iter(_EARLIEST_SINCE.ask(connection, since=since).all()), None)


def at_a_look(connection: Connection) -> tuple[datetime | None, datetime | None]:
    """The earliest due time, as above, and since when nothing is carried out (None: it is); UTC.

    In one question: a daemon asks it each second, whether anything is due or not.
    """
    [found] = _AT_A_LOOK.ask(connection).all()
    return found


def any_may_be_due(engine: Engine, clock: Callable[[], datetime]) -> bool:
    """A look first, on SQLite: the file's one write lock is not taken to find nothing to do."""
    if engine.dialect.name != "sqlite":
        return True
    with reading(engine) as connection:
        due = earliest_due(connection)
    return due is not None and due < clock()


_due = sites.c.next_due
_first = select(_due).order_by(_due, sites.c.id).limit(1)
_some = _first.where(_due.is_not(None))
_since = _first.where(_due >= bindparam("since", type_=UTCDateTime))
_EARLIEST: Question[datetime | None] = Question(lambda _: (_some, None), lambda row: row[0])
_EARLIEST_SINCE: Question[datetime | None] = Question(lambda _: (_since, None), lambda row: row[0])
_AT_A_LOOK: Question[tuple[datetime | None, datetime | None]] = Question(
    lambda _: (select(_some.scalar_subquery(), desk.c.halted_since), None),
    lambda row: (row[0], row[1]),
)
