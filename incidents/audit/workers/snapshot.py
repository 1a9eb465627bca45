"""The snapshot: one state of the database, seen by the connections of several processes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import IncidentsError
from incidents.store.database.engine import reading
from incidents.store.schema.tables import desk

PATIENCE_S = 2.0
"""So long is waited for a file that somebody writes to: others wait behind us."""


class NoSnapshotError(IncidentsError):
    """no state of the database can be shared: {detail}"""


@contextmanager
def shared(engine: Engine) -> Iterator[str | None]:
    """While it lasts, all transactions that `joined` begins see one state; yields its name.

    On SQLite states have no names: for this moment nobody can write.

    Raises:
        NoSnapshotError: if the database cannot do that: a file that cannot be written to, say.
    """
    if engine.dialect.name == "sqlite":
        with _nobody_writes(str(engine.url.database)):
            yield None
        return
    with reading(engine) as connection:
        yield _name(connection)


@contextmanager
def joined(engine: Engine, name: str | None) -> Iterator[Connection]:
    """A transaction that reads the state of that name, also when it is shared no longer."""
    with reading(engine) as connection:
        if name is not None:
            # This statement takes no parameters; the server has made the name.
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        # What SQLite shows is what it is at the first look.
        connection.execute(select(desk.c.id)).all()
        yield connection


@contextmanager
def _nobody_writes(file: str) -> Iterator[None]:
    with closing(sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise NoSnapshotError(detail=str(error)) from error
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _name(connection: Connection) -> str:
    try:
        return str(connection.scalar(text("SELECT pg_export_snapshot()")))
    except DBAPIError as error:
        raise NoSnapshotError(detail=str(error.orig)) from error
