"""The primary's position: how far a process knows the write-ahead log to have come.

A process learns the primary's position before it trusts a replica: no clocks are compared, and the
replica's own opinion of its lag does not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from incidents.store.database import descent, wal_position
from incidents.store.database.descent import Newest
from incidents.store.database.wal_position import PRIMARY_S, Position, briefly

Answer = TypeVar("Answer")

SAMPLE_S = 1.0
"""The age at which the known position of the primary is asked for again."""

LOST_S = 2.0
"""How long a read that need not show the latest state takes a lost primary for lost."""


class PrimaryPosition:
    """What a process knows of its primary, for all threads.

    `last`: the latest answer. `is_lost`: whether the primary could not answer when last asked.
    `seen`: the position that later reads must show, because this process has shown it.
    """

    def __init__(self, primary: Callable[[], Engine]) -> None:
        self.last: Position | None = None
        self.is_lost = False
        self.seen = 0
        self._primary = primary
        self._lock = Lock()
        # Counted, because a write can end while another thread asks for the position.
        self._written = self._covered = 0
        # Questions are numbered, because the clocks of two servers can differ: the answer to the
        # latest one counts.
        self._asked = self._answered = 0
        self._lost_at = 0.0

    def note_write(self) -> None:
        """Note that this process has written, or has seen the primary: later reads show it."""
        with self._lock:
            self._written += 1

    def note_seen(self, lsn: int) -> None:
        """Note that this process has shown that position."""
        with self._lock:
            self.seen = max(self.seen, lsn)

    def ask(self) -> Position:
        """Ask the primary for its position.

        Raises:
            DBAPIError: if there is no primary.
        """
        with self._lock:
            self._asked += 1
            number, written = self._asked, self._written
        found = self._ask(wal_position.of_primary)
        self.learn(found, written, number)
        return found

    def ask_again(self) -> Position | None:
        """Ask the primary for its position; None, and `is_lost`, if there is no primary."""
        try:
            found = self.ask()
        except (DBAPIError, PoolTimeoutError):
            self.is_lost, self._lost_at = True, time.monotonic()
            return None
        self.is_lost = False
        return found

    def learn(self, found: Position, written: int, number: int) -> None:
        """Take in an answer of the primary to that question, asked after so many writes.

        Answers can arrive in another order than they were given.
        """
        with self._lock:
            if self._covered < written:
                self._covered, self.seen = written, max(self.seen, found.lsn)
            if number >= self._answered:
                self.last, self._answered = found, number
                # The primary may have lost its end: then nobody shows that any more.
                self.seen = min(self.seen, found.lsn)

    def needed(self, *, latest: bool, after: int) -> int | None:
        """The position that a read must show; None if only the primary can know.

        `latest`: all that was committed before this call, if the primary can be asked. Otherwise at
        least what this process has written or seen, and the position `after`.
        """
        with self._lock:
            known, unknown_writes = self.last, self._covered < self._written
        is_old = known is None or time.monotonic() - known.taken >= SAMPLE_S
        if latest or unknown_writes or is_old or known is None or after > known.lsn:
            rests = self.is_lost and time.monotonic() - self._lost_at < LOST_S
            known = None if rests and not latest else self.ask_again()
            if known is None:
                return None if unknown_writes or after > self.seen else self.seen
        with self._lock:
            return known.lsn if latest else max(self.seen, min(after, known.lsn))

    def has(self, entry: Newest) -> bool:
        """Whether the primary has that entry.

        Raises:
            DBAPIError: if there is no primary.
        """

        def question(connection: Connection) -> bool:
            with briefly(connection, PRIMARY_S):
                return descent.has(connection, entry)

        return self._ask(question)

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        with self._primary().connect() as connection:
            try:
                return question(connection)
            except DBAPIError:
                # Perhaps it is a standby by now: another server may lead.
                connection.invalidate()
                raise
