"""The replica: a hot standby of PostgreSQL for reading, and how far its state is behind.

It is read only if it shows what it must show by the position of the primary: see
`primary_position`. So a standby that is cut off, is ahead of the primary or follows a lost one is
not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from incidents.errors import Cause, DatabaseError
from incidents.store.database import descent, replica_trouble, wal_position
from incidents.store.database.engine import consistently
from incidents.store.database.primary_position import SAMPLE_S, PrimaryPosition
from incidents.store.database.wal_position import ANSWER_S, Shown, State, briefly
from incidents.store.desk_state import BEHIND

PATIENCE_S = 0.1
"""How long a read waits for the replica to show what it must show, before it takes the primary."""

SHOWN = "shown"
"""The key in the `info` of a replica's connection: the `State` that it shows."""

REST_S = 5.0
"""How long a replica that failed is left alone."""

_POLL_S = 0.005
_PROVED_FOR = "incidents_proved_for"
_insisted: ContextVar[int | None] = ContextVar("insisted", default=None)


class ReplicaReadError(DatabaseError):
    """{detail}"""


class Replica:
    """The replica of one database, for all threads of a process.

    A replica that is further behind than `limit` is not read. `trouble`: why the replica was not
    read when it was last wanted, else None; `on_change` is called with each new trouble or its end.
    `state`: what the last read found; None if it was not asked, or could not answer.
    """

    def __init__(self, engine: Engine, primary: Callable[[], Engine], limit: timedelta) -> None:
        self.engine = engine
        self.limit = limit
        self.trouble: Cause | None = None
        self.state: State | None = None
        self.on_change: Callable[[Cause | None], object] = lambda _: None
        self.primary = PrimaryPosition(primary)
        self._resting_until = self._behind_until = 0.0
        self._probing = Lock()
        event.listen(engine, "checkout", self._check_insisted)

    def note_failure(self, told: str) -> None:
        """Note that the replica failed during a read, and leave it alone for a while."""
        self.rest(replica_trouble.of("replica_lost", self.engine, told=told))

    def note_unfit(self, why: str) -> None:
        """Note that this program cannot use what the replica shows, and leave it alone."""
        self.rest(replica_trouble.of("replica_unfit", self.engine, why=why))

    def rest(self, why: Cause) -> None:
        """Leave the replica alone for `REST_S` seconds."""
        self._resting_until = time.monotonic() + REST_S
        self.state = None
        self._tell(why)

    def open(self, *, latest: bool, after: int = 0) -> Connection | None:
        """Check out a connection to the replica, if its state is good enough; else None.

        `latest`: show all that was committed before this call, if the primary can be asked.
        Otherwise show at least what this process has written or seen, and the position `after`.
        The caller closes the connection.
        """
        if time.monotonic() < self._resting_until:
            return None
        if not self._resting_until:
            return self._open(latest=latest, after=after)
        # After a failure one thread tries: the others need not wait for it.
        if not self._probing.acquire(blocking=False):
            return None
        try:
            return self._open(latest=latest, after=after)
        finally:
            self._probing.release()

    def _open(self, *, latest: bool, after: int) -> Connection | None:
        needed = self.primary.needed(latest=latest, after=after)
        if needed is None:
            return None
        try:
            connection = self.engine.connect()
        except DBAPIError as error:
            self._lose(error)
            return None
        except PoolTimeoutError:
            # Others read it: the primary has connections, too.
            return None
        try:
            state = self._reach(connection, needed)
            if state is not None and not self._descends(connection):
                self.rest(replica_trouble.of("replica_diverged", self.engine))
                state = None
        except DBAPIError as error:
            connection.close()
            self._lose(error)
            return None
        except BaseException:
            connection.close()
            raise
        if state is None:
            connection.close()
            return None
        return connection

    def _lose(self, error: DBAPIError) -> None:
        # The others in the pool have the same fate, and each would cost a rest.
        self.engine.dispose()
        self.rest(replica_trouble.unreachable(self.engine, error))

    @contextmanager
    def reading(self, connection: Connection) -> Iterator[Connection]:
        """Open a transaction on one state of the replica, on a connection from `open`.

        Raises:
            ReplicaReadError: if the replica cancels the read or goes away: read the primary.
        """
        connection.execution_options(incidents_limit_s=None)
        with connection, self.guarding(), consistently(connection):
            yield connection

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """Turn a failure of the replica itself into ReplicaReadError, and let it rest."""
        try:
            yield
        except (OperationalError, InterfaceError) as error:
            why = replica_trouble.failed(self.engine, error)
            self.rest(why)
            raise ReplicaReadError(why) from error

    @contextmanager
    def insisting(self, lsn: int) -> Iterator[Engine]:
        """Let each connection that this thread checks out meanwhile show at least that position.

        Of several servers, or behind a proxy, the next connection can be to another one.

        Raises:
            ReplicaReadError: if one does not: read the primary.
        """
        token = _insisted.set(lsn)
        try:
            yield self.engine
        finally:
            _insisted.reset(token)

    def _check_insisted(self, driver: Any, _record: object, _proxy: object) -> None:
        needed = _insisted.get()
        if needed is None:
            return
        try:
            lsn = wal_position.shown_by(driver)
        except self.engine.dialect.loaded_dbapi.Error as error:
            told = str(error).strip()
            why = replica_trouble.of("replica_away", self.engine, told=told)
            raise ReplicaReadError(why) from error
        if lsn is None or lsn < needed:
            raise ReplicaReadError(replica_trouble.of("replica_changed", self.engine))

    def ask_state(self) -> State | None:
        """Find out the present state, as monitoring wants it; None and `trouble` without one.

        It is asked even during a rest.
        """
        self.state = None
        with self._probing:
            connection = self._open(latest=False, after=0)
        if connection is not None:
            connection.close()
        return self.state

    def _descends(self, connection: Connection) -> bool:
        """Whether the server's newest entry is the primary's, too; asked after each failover.

        The standby of a lost primary, which had more from it, keeps that until it is set up again.
        """
        known = self.primary.last
        if known is None:
            return True
        now = known.system, known.timeline
        # The pool keeps this with the connection: another one can be to another server.
        if connection.info.get(_PROVED_FOR) == now:
            return True
        try:
            with briefly(connection, ANSWER_S):
                newest = descent.newest(connection)
        except ProgrammingError:
            # There is no such table: the check of the schema will say so.
            return True
        try:
            if newest is not None and not self.primary.has(newest):
                return False
        except (OperationalError, InterfaceError, PoolTimeoutError):
            # Without a primary the replica shows what it has.
            return True
        connection.info[_PROVED_FOR] = now
        return True

    def _reach(self, connection: Connection, needed: int) -> State | None:
        """Wait a moment until the replica shows that position; None with the reason if not."""
        began = time.monotonic()
        # One that was too slow a moment ago is not waited for.
        ends = began if began < self._behind_until else began + PATIENCE_S
        while True:
            shown = wal_position.of_standby(connection)
            trouble = self._unfit(shown)
            if trouble is not None or shown.lsn is None:
                self.rest(trouble or replica_trouble.of("replica_empty", self.engine))
                return None
            state = self._state(shown, shown.lsn)
            if state is not None and shown.lsn >= needed and state.lag <= self.limit:
                break
            if time.monotonic() >= ends:
                self._note_behind(state)
                return None
            time.sleep(_POLL_S)
        self.primary.note_seen(state.lsn)
        self.state, self._resting_until, self._behind_until = state, 0.0, 0.0
        self._tell(None)
        # What fell due since then shows soon. Without a primary nothing does, and time goes on.
        behind = timedelta(0) if self.primary.is_lost else shown.clock - state.as_of
        # The pool keeps this with the connection; each read sets it anew.
        connection.info.update({BEHIND: behind, SHOWN: state})
        return state

    def _note_behind(self, state: State | None) -> None:
        self.state, self._resting_until = state, 0.0
        self._behind_until = time.monotonic() + SAMPLE_S
        if state is None or state.lag > self.limit:
            lag = None if state is None else state.lag
            self._tell(replica_trouble.behind(self.engine, lag))

    def _unfit(self, shown: Shown) -> Cause | None:
        """Why the replica must not be read at all; None if it may."""
        if not shown.is_standby:
            return replica_trouble.of("replica_no_standby", self.engine)
        known = self.primary.last
        if known is None or shown.lsn is None:
            return None
        if shown.system == known.system and shown.lsn > known.lsn and not self.primary.is_lost:
            # The primary goes on while we ask.
            known = self.primary.ask_again()
            if known is None:
                return None
        if shown.system != known.system:
            return replica_trouble.of("replica_of_another", self.engine)
        if shown.lsn > known.lsn and not self.primary.is_lost:
            return replica_trouble.of("replica_ahead", self.engine)
        return None

    def _state(self, shown: Shown, lsn: int) -> State | None:
        """The state; None if it cannot be said how old it is."""
        known = self.primary.last
        now = shown.clock if known is None else known.now
        times = [known.at] if known is not None and lsn >= known.lsn else []
        if shown.replayed_at is not None:
            times.append(shown.replayed_at)
        if not times:
            return None
        as_of = min(max(times), now)
        return State(lsn=lsn, as_of=as_of, lag=now - as_of)

    def _tell(self, trouble: Cause | None) -> None:
        before, self.trouble = self.trouble, trouble
        if _code(before) != _code(trouble):
            self.on_change(trouble)


def _code(cause: Cause | None) -> str | None:
    return None if cause is None else cause.code
