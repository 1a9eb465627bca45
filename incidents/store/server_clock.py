"""The server's clock: what time it is by the database itself, where it has a clock of its own."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from incidents.store.statement import Question
from incidents.store.types import UTCDateTime

TIME: Question[datetime] = Question(
    lambda _: (select(func.clock_timestamp(type_=UTCDateTime)), None), lambda row: row[0]
)
"""The time of a server's own clock, in UTC, at the moment when it is asked."""


def database_time(connection: Connection) -> datetime | None:
    """The time of the database's own clock, in UTC; None for SQLite, which has none."""
    if connection.dialect.name == "sqlite":
        return None
    [moment] = TIME.ask(connection).all()
    return moment
