"""The readiness of a database: whether it can be written to now."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from threading import Lock, Thread
from time import monotonic

from sqlalchemy import Engine, text

from incidents.errors import DatabaseError
from incidents.store.database import schema
from incidents.store.database.address import display_address
from incidents.store.database.engine import WRITTEN, plainly, writing
from incidents.store.database.failures import LOCK_WAIT_S, STANDBY

LIMIT_S = 5.0
"""How long a caller waits for an answer."""

# On PostgreSQL each check waits for a disk, and for a synchronous standby.
_FRESH_S = 0.5


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
        self._latest: Future[None] | None = None
        self._done_at: float | None = None

    def check(self) -> None:
        """Check now, or answer as a moment ago.

        Raises:
            DatabaseError: of the check, or if it takes seconds.
        """
        with self._lock:
            latest = self._latest
            if latest is None or (latest.done() and self._is_old()):
                latest = self._latest = Future()
                # A thread of its own: a silent server can take longer than a caller waits.
                Thread(target=self._run, args=[latest], daemon=True).start()
        try:
            latest.result(LIMIT_S)
        except TimeoutError as error:
            sentence = "the database has not answered yet"
            raise DatabaseError.coded("readiness_unknown", sentence) from error

    def _is_old(self) -> bool:
        return self._done_at is None or self._monotonic() - self._done_at >= _FRESH_S

    def _run(self, check: Future[None]) -> None:
        try:
            self._check()
        except BaseException as error:  # noqa: BLE001 - raised to all callers
            done = partial(check.set_exception, error)
        else:
            done = partial(check.set_result, None)
        self._done_at = self._monotonic()
        done()
