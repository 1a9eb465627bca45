"""The backlog: everything that is due, decided in batches.

On PostgreSQL two batches are under way at a time: while the server writes one, the next one is
decided.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock

from sqlalchemy import Engine

from incidents import clock
from incidents.daemon import journal
from incidents.desk import Answer, Desk

BATCH = 250
"""The number of sites that are decided in one transaction."""
AT_ONCE = 2
"""The number of transactions, and of connections, at a time."""


@dataclass(slots=True)
class Decided:
    """What was decided, and when the last batch began (UTC); None if nothing was due.

    Deadlines that passed after that time might not be decided yet.
    """

    sites: int = 0
    events: int = 0
    began: datetime | None = None


def decide(
    engine: Engine,
    desk: Desk,
    *,
    limit: int,
    stopped: Callable[[], bool],
    done: Callable[[list[Answer]], object],
) -> Decided:
    """Decide everything that is due: see `enforce.elapse`.

    Raises:
        DatabaseError: if the database fails; earlier batches stay decided.
    """
    # A SQLite file has one writer.
    if engine.dialect.name == "sqlite":
        backlog = _Backlog(desk, limit, stopped, done)
        backlog.decide()
        return backlog.decided
    with ThreadPoolExecutor(AT_ONCE - 1) as threads:
        backlog = _Backlog(desk, limit, stopped, done, threads)
        backlog.decide()
    if backlog.beside is not None:
        backlog.beside.result()
    return backlog.decided


@dataclass(slots=True)
class _Backlog:
    desk: Desk
    limit: int
    stopped: Callable[[], bool]
    done: Callable[[list[Answer]], object]
    threads: ThreadPoolExecutor | None = None
    decided: Decided = field(default_factory=Decided)
    beside: Future[None] | None = None
    _lock: Lock = field(default_factory=Lock)
    _ended: bool = False

    def decide(self) -> None:
        """Decide batches until nothing is due, or other threads or daemons are deciding it."""
        while not (self._ended or self.stopped()):
            began = clock.now()
            answers = self.desk.elapse(limit=self.limit, full=self._decide_beside)
            if not answers:
                return
            self._add(began, answers)

    def _decide_beside(self) -> None:
        # Before the other thread begins, which must not start a third one.
        threads, self.threads = self.threads, None
        if threads is not None:
            self.beside = threads.submit(self.decide)

    def _add(self, began: datetime, answers: list[Answer]) -> None:
        events = sum(len(answer.events) for answer in answers)
        with self._lock:
            so_far = self.decided
            so_far.sites += len(answers)
            so_far.events += events
            so_far.began = began if so_far.began is None else max(began, so_far.began)
            self.done(answers)
            if not events:
                journal.warning("a due decision produced no event", site=answers[0].site)
                self._ended = True
