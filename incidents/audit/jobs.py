"""The jobs of a proof or a replay: the log that they read, and the processes that run them.

A database and a bundle both give such a log. This process does the jobs alone, or a pool of others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from incidents.audit.facts import Facts, Flaw
from incidents.audit.pool import NoPoolError, Tell, WorkerPool
from incidents.store.database.engine import reading


class Batch(NamedTuple):
    """The entries of one tile: the first one's number, and the bytes of each, None where there is
    no entry; with the rows of a database, if they are from one."""

    first: int
    bodies: Sequence[bytes | None]
    rows: Sequence[Any] = ()


class Placed(NamedTuple):
    """An entry in its site's stream, and its place in the order of all (see `fold.Periods`)."""

    site_id: int
    place: int
    body: bytes


class Log(Protocol):
    """A log that is open."""

    size: int
    """How many entries are numbered."""

    def batches(self, first: int, before: int) -> Iterator[Batch]:
        """The entries from `first`, a multiple of 256, to before `before`."""

    def tile(self, level: int, n: int) -> bytes | None:
        """The hashes of a tile, as they are kept; None if it is not there."""

    def where(self, leaf: int) -> str:
        """How people find an entry."""

    def compare(
        self, batch: Batch, facts: Sequence[Facts | None], hashes: Sequence[bytes]
    ) -> Iterator[Flaw]:
        """What else is kept of the entries of a batch, and differs from them."""


Source = Callable[[Connection | None], AbstractContextManager[Any]]
"""Opens a log for as long as it is entered; it goes from process to process."""

Act = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function that is called with a log and with what is to be told of entries, and what else it is
given."""


@dataclass(frozen=True, slots=True)
class Job:
    """An act, and the log that it is for."""

    source: Source
    act: Act

    def do(self, connection: Connection | None, tell: Tell) -> Any:
        """Do it."""
        act, given = self.act
        with self.source(connection) as log:
            return act(log, tell, *given)


MOST_PROCESSES = 4
FEW_ENTRIES = 50_000
"""So many are looked through before a second process has begun."""


@dataclass(frozen=True, slots=True)
class Workers:
    """They work on the log of `source`; `done` is told of entries, in between."""

    source: Source
    pool: WorkerPool | None
    connection: Connection | None
    done: Tell

    @property
    def many(self) -> int:
        """How many processes there are."""
        return 1 if self.pool is None else self.pool.size

    def one(self, act: Callable[..., Any], *given: Any) -> Any:
        """Have one job done."""
        (result,) = self.each([(act, given)])
        return result

    def each(self, acts: Iterable[Act]) -> Iterator[Any]:
        """Have each job done; what came of them, in their order.

        Raises:
            WorkerLostError: if a process ends before its time.
        """
        jobs = (Job(self.source, act) for act in acts)
        if self.pool is not None:
            return self.pool.each(jobs, self.done)
        return (job.do(self.connection, self.done) for job in jobs)


@contextmanager
def workers_for(
    source: Source, engine: Engine | None, entries: int, *, processes: int | None, done: Tell
) -> Iterator[Workers]:
    """As many as are of use for so many entries, or so many `processes`.

    All of them see one state of the database, if there is one.
    """
    of_use = 1 if entries < FEW_ENTRIES else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))
    many = processes or of_use
    with ExitStack() as opened:
        pool = connection = None
        if many > 1:
            # Where there can be no others, this process does it alone.
            with suppress(NoPoolError):
                pool = opened.enter_context(WorkerPool(engine, many))
        if pool is None and engine is not None:
            connection = opened.enter_context(reading(engine))
        yield Workers(source, pool, connection, done)
