"""The replica: a hot standby of PostgreSQL for reading, and how far its state is behind.

A process learns the primary's position in the write-ahead log before it trusts the replica: no
clocks are compared, and the replica's own opinion of its lag does not count. So a standby that is
cut off, or follows another history, is not read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import BigInteger, Boolean, Connection, Engine, Text, literal_column, select
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from incidents.errors import Cause, DatabaseError
from incidents.store.database.address import display_address, driver_message
from incidents.store.database.engine import consistently
from incidents.store.desk_state import BEHIND
from incidents.store.schema.types import UTCDateTime
from incidents.store.statement import Query

PATIENCE_S = 0.1
"""How long a read waits for the replica to show what it must show, before it takes the primary."""

SAMPLE_S = 1.0
"""The age at which the known position of the primary is asked for again."""

SHOWN = "shown"
"""The key in the `info` of a replica's connection: the `State` that it shows."""

PRIMARY_S = 3.0
"""How long the primary may take to say its position."""

ANSWER_S = 2.0
"""How long the replica may take to say where it is."""

REST_S = 5.0
"""How long a replica that failed is left alone."""

_POLL_S = 0.005


class ReplicaReadError(DatabaseError):
    """{detail}"""


@dataclass(frozen=True, slots=True)
class Position:
    """What the primary had written at one moment: bytes of its log, and its own time (UTC).

    `taken`: the same moment by this process's monotonic clock, in seconds.
    """

    lsn: int
    at: datetime
    system: str
    taken: float

    @property
    def now(self) -> datetime:
        """The primary's time now, as this process's clock continues it."""
        return self.at + timedelta(seconds=time.monotonic() - self.taken)


@dataclass(frozen=True, slots=True)
class State:
    """What the replica shows: its position, and the time (UTC, the primary's) as of which it is.

    `lag`: at most so far behind the primary.
    """

    lsn: int
    as_of: datetime
    lag: timedelta


@dataclass(frozen=True, slots=True)
class _Shown:
    """The standby's answer about itself; `replayed_at`: the time of its last commit."""

    is_standby: bool
    lsn: int | None
    replayed_at: datetime | None
    clock: datetime
    system: str


class Replica:
    """The replica of one database, for all threads of a process.

    A replica that is further behind than `limit` is not read. `trouble`: why the replica was not
    read when it was last wanted, else None; `on_change` is called with each new trouble or its end.
    """

    def __init__(self, engine: Engine, primary: Callable[[], Engine], limit: timedelta) -> None:
        self.engine = engine
        self.limit = limit
        self.trouble: Cause | None = None
        self.state: State | None = None
        """What the last read found; None if it was not asked, or could not answer."""
        self.primary_lost = False
        """Whether the primary could not say its position when last asked."""
        self.on_change: Callable[[Cause | None], object] = lambda _: None
        self._primary = primary
        self._lock = Lock()
        self._position: Position | None = None
        # Counted, because a write can end while another thread asks for the position.
        self._written = self._covered = 0
        self._seen = 0
        self._resting_until = self._behind_until = 0.0
        self._probing = Lock()

    def note_write(self) -> None:
        """Note that this process has written, or has seen the primary: later reads show it."""
        with self._lock:
            self._written += 1

    def note_failure(self, told: str) -> None:
        """Note that the replica failed during a read, and leave it alone for a while."""
        self.rest(_lost(self.engine, told))

    def unfit(self, why: str) -> Cause:
        """The trouble that this program cannot read what the replica shows."""
        sentence = "the replica {where} cannot be used: {why}"
        where = display_address(self.engine)
        return Cause.of("replica_unfit", sentence, where=where, why=why)

    def rest(self, why: Cause) -> None:
        """Leave the replica alone for `REST_S` seconds."""
        self._resting_until = time.monotonic() + REST_S
        self.state = None
        self._tell(why)

    def position(self) -> Position:
        """Ask the primary for its position.

        Raises:
            DBAPIError: if there is no primary.
        """
        with self._lock:
            written = self._written
        with self._primary().connect() as connection, _briefly(connection, PRIMARY_S):
            try:
                [found] = _PRIMARY.fetch(connection).all()
            except DBAPIError:
                # Perhaps it is a standby by now: another server may lead.
                connection.invalidate()
                raise
        self.learn(found, written)
        return found

    def learn(self, found: Position, written: int) -> None:
        """Take in an answer of the primary to a question after that many writes.

        Answers can arrive in another order than they were given.
        """
        with self._lock:
            if self._covered < written:
                self._covered, self._seen = written, max(self._seen, found.lsn)
            if self._position is None or found.at >= self._position.at:
                self._position = found
                # The primary may have lost its end: then nobody shows that any more.
                self._seen = min(self._seen, found.lsn)

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
        needed = self._needed(latest=latest, after=after)
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
        self.rest(_unreachable(self.engine, error))

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
            why = _failed(self.engine, error)
            self.rest(why)
            raise ReplicaReadError(why) from error

    def look(self) -> State | None:
        """Find out the present state, as monitoring wants it; None and `trouble` without one."""
        self._resting_until = 0.0
        connection = self.open(latest=False)
        if connection is not None:
            connection.close()
        return self.state

    def _needed(self, *, latest: bool, after: int) -> int | None:
        """The position that the replica must show; None if only the primary can know."""
        with self._lock:
            known, unknown_writes = self._position, self._covered < self._written
        is_old = known is None or time.monotonic() - known.taken >= SAMPLE_S
        if latest or unknown_writes or is_old or known is None or after > known.lsn:
            try:
                known = self.position()
                self.primary_lost = False
            except (DBAPIError, PoolTimeoutError):
                self.primary_lost = True
                return None if unknown_writes or after > self._seen else self._seen
        with self._lock:
            return known.lsn if latest else max(self._seen, min(after, known.lsn))

    def _reach(self, connection: Connection, needed: int) -> State | None:
        """Wait a moment until the replica shows that position; None with the reason if not."""
        began = time.monotonic()
        # One that was too slow a moment ago is not waited for.
        ends = began if began < self._behind_until else began + PATIENCE_S
        while True:
            shown = _ask(connection)
            trouble = self._unfit(shown)
            if trouble is not None or shown.lsn is None:
                self.rest(trouble or _no_position(self.engine))
                return None
            state = self._state(shown, shown.lsn)
            if state is not None and shown.lsn >= needed and state.lag <= self.limit:
                break
            if time.monotonic() >= ends:
                self._note_behind(state)
                return None
            time.sleep(_POLL_S)
        with self._lock:
            self._seen = max(self._seen, state.lsn)
        self.state, self._resting_until, self._behind_until = state, 0.0, 0.0
        self._tell(None)
        # The pool keeps this with the connection; each read sets it anew.
        connection.info.update({BEHIND: shown.clock - state.as_of, SHOWN: state})
        return state

    def _note_behind(self, state: State | None) -> None:
        self.state, self._resting_until = state, 0.0
        self._behind_until = time.monotonic() + SAMPLE_S
        if state is None or state.lag > self.limit:
            self._tell(_behind(self.engine, None if state is None else state.lag))

    def _unfit(self, shown: _Shown) -> Cause | None:
        """Why the replica must not be read at all; None if it may."""
        where = display_address(self.engine)
        if not shown.is_standby:
            sentence = "the replica {where} is not a standby"
            return Cause.of("replica_no_standby", sentence, where=where)
        known = self._position
        if known is None or shown.lsn is None:
            return None
        if shown.system == known.system and shown.lsn > known.lsn and not self.primary_lost:
            # The primary goes on while we ask.
            try:
                known = self.position()
            except (DBAPIError, PoolTimeoutError):
                self.primary_lost = True
                return None
        if shown.system != known.system:
            sentence = "the replica {where} is a standby of another database"
            return Cause.of("replica_of_another", sentence, where=where)
        if shown.lsn > known.lsn and not self.primary_lost:
            sentence = "the replica {where} has data that the primary does not have"
            return Cause.of("replica_ahead", sentence, where=where)
        return None

    def _state(self, shown: _Shown, lsn: int) -> State | None:
        """The state; None if it cannot be said how old it is."""
        known = self._position
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


def _ask(connection: Connection) -> _Shown:
    # Before the transaction that is read: its state is at least this one.
    with _briefly(connection, ANSWER_S):
        [shown] = _STANDBY.fetch(connection).all()
    return shown


@contextmanager
def _briefly(connection: Connection, limit_s: float) -> Iterator[None]:
    """Send a single query, which fails if the server says nothing for `limit_s` seconds."""
    connection.execution_options(isolation_level="AUTOCOMMIT", incidents_limit_s=limit_s)
    with connection.begin():
        yield


def _code(cause: Cause | None) -> str | None:
    return None if cause is None else cause.code


def _unreachable(engine: Engine, error: DBAPIError) -> Cause:
    where, told = display_address(engine), driver_message(error)
    sentence = "the replica {where} cannot be reached: {told}"
    return Cause.of("replica_away", sentence, where=where, told=told)


def _no_position(engine: Engine) -> Cause:
    sentence = "the replica {where} has replayed nothing yet"
    return Cause.of("replica_empty", sentence, where=display_address(engine))


def _behind(engine: Engine, lag: timedelta | None) -> Cause:
    where = display_address(engine)
    if lag is None:
        return Cause.of(
            "replica_lag_unknown", "cannot tell how far the replica {where} is behind", where=where
        )
    sentence = "the replica {where} is {seconds:.0f} s behind"
    return Cause.of("replica_behind", sentence, where=where, seconds=lag.total_seconds())


_SERIALIZATION = "40001"


def _failed(engine: Engine, error: DBAPIError) -> Cause:
    where, told = display_address(engine), driver_message(error)
    if getattr(error.orig, "sqlstate", None) == _SERIALIZATION:
        sentence = (
            "the replica {where} cancelled this read to replay a change ({told}): set"
            " hot_standby_feedback = on or a longer max_standby_streaming_delay there, or read the"
            " primary"
        )
        return Cause.of("replica_conflict", sentence, where=where, told=told)
    return _lost(engine, told)


def _lost(engine: Engine, told: str) -> Cause:
    sentence = "the replica {where} failed during a read ({told}): try again"
    return Cause.of("replica_lost", sentence, where=display_address(engine), told=told)


# A copy of a database keeps the server's number and the database's.
_SYSTEM = literal_column(
    "(SELECT system_identifier FROM pg_control_system()) || '/' || "
    "(SELECT oid FROM pg_database WHERE datname = current_database())",
    Text,
).label("system")


def _bytes(position: str) -> str:
    return f"CAST(pg_wal_lsn_diff({position}, '0/0') AS bigint)"


# All that is visible is on disk up to here, unless commits do not wait for the disk.
_VISIBLE = (
    "CASE current_setting('synchronous_commit') WHEN 'off' THEN pg_current_wal_insert_lsn()"
    " ELSE pg_current_wal_flush_lsn() END"
)
_PRIMARY: Query[Position] = Query(
    lambda _: select(
        literal_column(_bytes(_VISIBLE), BigInteger).label("lsn"),
        literal_column("clock_timestamp()", UTCDateTime).label("at"),
        _SYSTEM,
    ),
    lambda row: Position(row[0], row[1], row[2], time.monotonic()),
)
_STANDBY: Query[_Shown] = Query(
    lambda _: select(
        literal_column("pg_is_in_recovery()", Boolean).label("is_standby"),
        literal_column(_bytes("pg_last_wal_replay_lsn()"), BigInteger).label("lsn"),
        literal_column("pg_last_xact_replay_timestamp()", UTCDateTime).label("replayed_at"),
        literal_column("clock_timestamp()", UTCDateTime).label("clock"),
        _SYSTEM,
    ),
    lambda row: _Shown(*row),
)
