"""The jobs of a proof or a replay: the log that they read, and the processes that run them.

A database and a bundle both provide such a log. This process does the jobs itself, or a pool does.
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
    """The entries of one tile, None for a missing one; `rows`: theirs in a database."""

    first: int
    bodies: Sequence[bytes | None]
    rows: Sequence[Any] = ()


class Placed(NamedTuple):
    """An entry in its site's stream, and its place in the order of all (see `fold.Periods`)."""

    site_id: int
    place: int
    body: bytes


class Log(Protocol):
    """An open log."""

    size: int
    """The number of entries with a number."""

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        """The entries from `first`, a multiple of 256, to before `before`."""

    def tile(self, level: int, n: int) -> bytes | None:
        """The stored hashes of a tile; None if it does not exist."""

    def where(self, leaf: int) -> str:
        """A description of an entry, by which people find it."""

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """The differences between the entries of a batch and the other data stored about them."""


Source = Callable[[Connection | None], AbstractContextManager[Any]]
"""Opens a log as a context manager; it can be sent to other processes."""

Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function called with a log and a progress callback, and its other arguments."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job with its log."""

    source: Source
    call: Call

    def do(self, connection: Connection | None, progress: Progress) -> Any:
        """Run the job."""
        call, given = self.call
        with self.source(connection) as log:
            return call(log, progress, *given)


MOST_PROCESSES = 4
FEW_ENTRIES = 50_000
"""The number of entries that are read before a second process has started."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Workers on the log of `source`; `done` is called with numbers of entries, as progress."""

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
            WorkerLostError: if a process ends before its time.
        """
        jobs = (Job(self.source, call) for call in calls)
        if self.pool is not None:
            return self.pool.each(jobs, self.done)
        return (job.do(self.connection, self.done) for job in jobs)


@contextmanager
def workers_for(
    source: Source, engine: Engine | None, entries: int, *, processes: int | None, done: Progress
) -> Iterator[Workers]:
    """As many workers as are useful for that number of entries, or `processes`.

    All of them see one state of the database, if there is one.
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
