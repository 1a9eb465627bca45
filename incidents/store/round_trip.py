"""The round trip of a statement and its parameters to the driver.

On PostgreSQL several statements can be sent at once (`pipeline`); on SQLite each is executed
immediately.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, exc

if TYPE_CHECKING:
    # psycopg is loaded if such a connection exists; an import here would cost each command.
    from incidents.store.postgresql.pipeline import Pipeline, Take


@contextmanager
def pipelined(connection: Connection, *, commit: bool = False) -> Iterator[None]:
    """Send the block's statements pipelined; all of them have finished at its end.

    Nothing else may be sent meanwhile. With `commit` the transaction ends with the block; what the
    transaction's beginning checks is then checked before.

    Raises:
        DBAPIError: of the first statement that failed.
    """
    if connection.dialect.name != "sqlite":
        if commit:
            start(connection)
        with _pipelined(connection) as pipeline:
            yield
            if commit:
                pipeline.send("COMMIT")
    else:
        yield
    if commit:
        connection.commit()


def start(connection: Connection) -> None:
    """Begin the transaction on PostgreSQL with its check, unless it has begun (one round trip).

    Raises:
        DBAPIError, DatabaseError: if it cannot begin.
    """
    pipeline: Pipeline = connection.info["pipeline"]
    if not pipeline.is_started:
        with _pipelined(connection):
            pipeline.start()


@contextmanager
def _pipelined(connection: Connection) -> Iterator[Pipeline]:
    try:
        with connection.info["pipeline"] as pipeline:
            yield pipeline
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error) from error
    except BaseException as error:
        if _driver(connection).closed:
            connection.invalidate(error)
        raise


def command(connection: Connection, sql: str) -> None:
    """Send a statement that returns nothing and changes no row."""
    try:
        _driver(connection).execute(sql)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error) from error


def send(
    connection: Connection, sql: str, parameters: Sequence[Any], take: Take | None = None
) -> None:
    """Send one statement; `take` gets its rows when they arrive.

    Raises:
        DBAPIError: at once, or at the end of the round trip.
    """
    # Unlike Core's, these statements begin no transaction of their own.
    assert connection.in_transaction()
    if connection.dialect.name == "sqlite":
        try:
            rows = _driver(connection).execute(sql, parameters).fetchall()
        except connection.dialect.loaded_dbapi.Error as error:
            raise _translated(connection, error) from error
        if take is not None:
            take(rows)
        return
    pipeline: Pipeline = connection.info["pipeline"]
    if pipeline.is_open:
        pipeline.send(sql, parameters, take)
    else:
        with _pipelined(connection):
            pipeline.send(sql, parameters, take)


def send_many(connection: Connection, sql: str, rows: Sequence[Sequence[Any]]) -> None:
    """Send one statement for each of `rows`, its parameters.

    Raises:
        DBAPIError: of the first statement that failed, at once or at the end of the round trip.
    """
    if connection.dialect.name != "sqlite":
        for row in rows:
            send(connection, sql, row)
        return
    assert connection.in_transaction()
    try:
        _driver(connection).executemany(sql, rows)
    except connection.dialect.loaded_dbapi.Error as error:
        raise _translated(connection, error) from error


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _translated(connection: Connection, error: Exception) -> Exception:
    """The driver's error, as SQLAlchemy would have raised it."""
    dialect = connection.dialect
    lost = dialect.is_disconnect(error, connection.connection.driver_connection, None)  # type: ignore[arg-type]  # one of ours
    if lost and not connection.invalidated:
        connection.invalidate(error)
    said: Exception = exc.DBAPIError.instance(
        None, None, error, dialect.loaded_dbapi.Error, hide_parameters=True,
        connection_invalidated=lost, dialect=dialect,
    )  # fmt: skip
    return said
