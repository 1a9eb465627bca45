"""The server's clock: what time it is by the database itself, where it has a clock of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, bindparam, case, exists, func, null, select

from incidents.store.schema.desk_tables import rehearsal
from incidents.store.schema.types import UTCDateTime
from incidents.store.statements.statement import Question

_is_rehearsal = exists(select(rehearsal.c.id))

TIME: Question[datetime | None] = Question(
    lambda _: (
        select(case((_is_rehearsal, null()), else_=func.clock_timestamp(type_=UTCDateTime))),
        None,
    ),
    lambda row: row[0],
)
"""The time of a server's own clock, in UTC, at the moment when it is asked; None in a rehearsal."""


def by_its_own_clock() -> ScalarSelect[datetime]:
    """For a statement on PostgreSQL: the time when it runs, in a rehearsal the parameter `now`.

    A subquery, so that it is read once, and an index is searched by it.
    """
    now = bindparam("now", type_=UTCDateTime)
    moment = case((_is_rehearsal, now), else_=func.clock_timestamp(type_=UTCDateTime))
    return select(moment).scalar_subquery()


def database_time(connection: Connection) -> datetime | None:
    """The time of the database's own clock, in UTC.

    None for SQLite, which has none, and in a rehearsal, where any machine's clock is taken.
    """
    if connection.dialect.name == "sqlite":
        return None
    [moment] = TIME.ask(connection).all()
    return moment


def is_rehearsal(connection: Connection) -> bool:
    """Whether the database was marked as a rehearsal when it was made."""
    return bool(connection.scalar(select(_is_rehearsal)))
