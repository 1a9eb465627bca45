"""A connection to a PostgreSQL server: no wait on it outlasts the server.

A frozen server keeps its TCP connections open, so the kernel notices nothing. A wait that lasts
therefore asks the same host, by a new connection, whether it still answers.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from contextlib import suppress
from time import monotonic
from typing import Any, TypeVar

from psycopg import Connection, OperationalError
from psycopg.abc import PQGen

T = TypeVar("T")

LOOK_S = 3.0
"""How long a wait lasts before it asks whether the server answers, and between two such questions
while it does."""
_INTERVAL_S = 0.1
# One question may be lost, with its connection, among many.
_UNANSWERED = 2


class ServerConnection(Connection[Any]):
    """A connection that closes itself if its server has stopped answering.

    `answers`: whether the server answers now; it may take some seconds to find out. `limit_s`: the
    longest time without a word from the server, even if it answers others; None for no limit.
    `is_committing`: a COMMIT has been sent.
    """

    answers: Callable[[], bool] | None = None
    limit_s: float | None = None
    is_committing = False

    def commit(self) -> None:
        """Commit as psycopg does.

        Raises:
            OperationalError: also if the server does not answer: then the outcome is unknown.
        """
        self.is_committing = True
        try:
            super().commit()
        finally:
            self.is_committing = False

    def wait(self, gen: PQGen[T], interval: float = _INTERVAL_S, timeout: float | None = None) -> T:
        """Wait as psycopg does, but no longer than the server answers.

        Raises:
            OperationalError: if it does not; this connection is closed then.
        """
        return super().wait(self._bounded(gen), interval, timeout)

    def _bounded(self, gen: PQGen[T]) -> PQGen[T]:
        wait = Wait(self)
        try:
            state = next(gen)
            while True:
                ready = yield state
                if ready:
                    wait.restart()
                else:
                    wait.check()
                state = gen.send(ready)
        except StopIteration as end:
            result: T = end.value
            return result


class Wait:
    """A wait for a connection's server to say something."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self.restart()

    def restart(self) -> None:
        """Begin again, because the server has said something."""
        self._began = monotonic()
        self._look_at = self._began + LOOK_S
        self._unanswered = 0

    def check(self) -> None:
        """End the wait if the server does not answer, or the connection's limit is over.

        Raises:
            OperationalError: the connection is closed then.
        """
        now, limit_s = monotonic(), self._connection.limit_s
        if limit_s is not None and now - self._began > limit_s:
            self._end(f"the server said nothing for {limit_s:g} s", is_alive=True)
        if now < self._look_at:
            return
        answers = self._connection.answers
        if answers is None or answers():
            self._unanswered, self._look_at = 0, monotonic() + LOOK_S
            return
        self._unanswered += 1
        if self._unanswered >= _UNANSWERED and not self._has_spoken():
            self._end("the server has stopped answering", is_alive=False)

    def _has_spoken(self) -> bool:
        return bool(select.select([self._connection.pgconn.socket], [], [], 0)[0])

    def _end(self, why: str, *, is_alive: bool) -> None:
        abandon(self._connection, is_alive=is_alive)
        raise OperationalError(f"connection lost: {why}")


_CANCEL_S = 2.0


def abandon(connection: ServerConnection, *, is_alive: bool = True) -> None:
    """Close a connection in the middle of something.

    If the server is alive, it is told to stop first: it would process everything received. Only a
    COMMIT is left alone: one that waits for a synchronous standby would be done without it, and
    could be lost with the server.
    """
    if is_alive and not connection.is_committing:
        with suppress(Exception):
            connection.cancel_safe(timeout=_CANCEL_S)
    connection.close()
