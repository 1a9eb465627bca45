"""The jobs of a verification or a replay: the log to read, and the processes that run the jobs.

A database and a bundle both provide such a log. Either this process or a pool of processes runs the
jobs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from incidents.audit.facts import Facts, Flaw
from incidents.audit.pool import NoPoolError, Progress, WorkerPool
from incidents.store.database.engine import reading


class Batch(NamedTuple):
    """The entries of one tile (None for a missing entry), and in a database also their `rows`."""

    first: int
    bodies: Sequence[bytes | None]
    rows: Sequence[Any] = ()


class Placed(NamedTuple):
    """An entry of a site's stream, with its place among all entries (see `fold.Periods`)."""

    site_id: int
    place: int
    body: bytes


class Log(Protocol):
    """An open log, whose entries jobs can read."""

    size: int
    """The number of entries that have a number in the log."""

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        """Yield the entries from `first`, a multiple of 256, up to but not including `before`."""

    def tile(self, level: int, n: int) -> bytes | None:
        """The stored hashes of a tile; None if it does not exist."""

    def where(self, leaf: int) -> str:
        """Describe where an entry is, so that people can find it."""

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """Find the differences between the entries of a batch and other data stored about them."""


Source = Callable[[Connection | None], AbstractContextManager[Any]]
"""A function that opens a log as a context manager. It can be sent to other processes."""

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function that takes a log and a progress callback, and its further arguments."""


@dataclass(frozen=True, slots=True)
class Job:
    """A call, and the source that opens its log."""

    source: Source
    call: Call

    def do(self, connection: Connection | None, progress: Progress) -> Any:
        """Run the job."""
        call, given = self.call
        with self.source(connection) as log:
            return call(log, progress, *given)


MOST_PROCESSES = 4
FEW_ENTRIES = 50_000
"""The number of entries that one process reads in the time that a second process takes to start."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers on the log of `source`. They call `done` with numbers of entries, as progress."""

    source: Source
    pool: WorkerPool | None
    connection: Connection | None
    done: Progress

    @property
    def many(self) -> int:
        """The number of processes."""
        return 1 if self.pool is None else self.pool.size

    def one(self, call: Callable[..., Any], *given: Any) -> Any:
        """Run one job."""
        (result,) = self.each([(call, given)])
        return result

    def each(self, calls: Iterable[Call]) -> Iterator[Any]:
        """Run the jobs, and return their results in order.

        Raises:
            WorkerLostError: if a process ends too early.
        """
        jobs = (Job(self.source, call) for call in calls)
        if self.pool is not None:
            return self.pool.each(jobs, self.done)
        return (job.do(self.connection, self.done) for job in jobs)


@contextmanager
def workers_for(
    source: Source, engine: Engine | None, entries: int, *, processes: int | None, done: Progress
) -> Iterator[Workers]:
    """Start as many workers as are useful for that number of entries, or `processes`.

    All workers see the same state of the database, if there is one.
    """
    of_use = 1 if entries < FEW_ENTRIES else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    many = processes or of_use
    with ExitStack() as opened:
        pool = connection = None
        if many > 1:
            # If there can be no other processes, this one does it alone.
            with suppress(NoPoolError):
                pool = opened.enter_context(WorkerPool(engine, many))
        if pool is None and engine is not None:
            connection = opened.enter_context(reading(engine))
        yield Workers(source, pool, connection, done)
