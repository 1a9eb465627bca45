"""The readiness of a database: whether it can be written to now."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Lock
from time import monotonic

from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import schema
from incidents.store.database.address import LOCK_WAIT_S, STANDBY, display_address
from incidents.store.database.engine import WRITTEN, plainly, writing

LIMIT_S = 5.0
# On PostgreSQL each check waits for a disk, and for a synchronous standby.
_FRESH_S = 0.5
_PATIENCE_S = 3.0


def check_writable(engine: Engine) -> None:
    """Check the schema, and that a transaction that writes can be committed; change no row.

    On PostgreSQL a message that nobody reads goes into the write-ahead log, so that a full disk, a
    standby or a missing synchronous standby shows.

    Raises:
        DatabaseError: if the schema is another, or nothing can be committed.
    """
    # A check waits less than an action, and writes nothing that a later read must show.
    engine = engine.execution_options(
        **{LOCK_WAIT_S: LIMIT_S, "incidents_limit_s": LIMIT_S, WRITTEN: None}
    )
    schema.check(engine)
    with plainly(engine), writing(engine, limit_s=LIMIT_S) as connection:
        if connection.dialect.name == "sqlite":
            return
        if connection.scalar(text("SHOW transaction_read_only")) == "on":
            raise DatabaseError.coded("database_standby", STANDBY, where=display_address(engine))
        connection.execute(text("SELECT pg_logical_emit_message(true, 'incidents', 'ready')"))


class Readiness:
    """The readiness of one database, whose answer many callers share for half a second.

    `monotonic`: a clock, in seconds.
    """

    def __init__(self, engine: Engine, monotonic: Callable[[], float] = monotonic) -> None:
        self._check = partial(check_writable, engine)
        self._monotonic = monotonic
        self._lock = Lock()
        self._done_at: float | None = None
        self._error: DatabaseError | None = None

    def check(self) -> None:
        """Check now, or answer as a moment ago.

        Raises:
            DatabaseError: of the check, or if another caller's check takes seconds.
        """
        if not self._lock.acquire(timeout=_PATIENCE_S):
            raise DatabaseError.coded("readiness_unknown", "the database has not answered yet")
        try:
            if self._done_at is None or self._monotonic() - self._done_at >= _FRESH_S:
                self._error = None
                try:
                    self._check()
                except DatabaseError as error:
                    self._error = error
                self._done_at = self._monotonic()
            if self._error is not None:
                raise self._error
        finally:
            self._lock.release()
