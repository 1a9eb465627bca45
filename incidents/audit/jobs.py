"""The jobs of a proof or a replay: the log that they read, and who does them.

A database and a bundle both give such a log. This process does the jobs alone, or a pool of others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from sqlalchemy import Connection, Engine

from incidents.audit.facts import Facts, Flaw
from incidents.audit.pool import Crew, NoCrewError, NoSnapshotError, Progress, Tell
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


class Source(Protocol):
    """Where a log is; it goes from process to process."""

    def opened(self, connection: Connection | None) -> AbstractContextManager[Any]:
        """The log, as long as it is entered."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a job, and the job's place among all."""

    place: int
    result: Any


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is to be called with the log and what is given."""

    place: int
    source: Source
    act: Callable[..., Any]
    given: tuple[Any, ...] = field(default=())

    def do(self, connection: Connection | None, tell: Tell) -> Done:
        """Call it."""
        with self.source.opened(connection) as log:
            return Done(self.place, self.act(log, *self.given, tell=lambda n: tell(Progress(n))))


MOST_PROCESSES = 4
FEW_ENTRIES = 50_000
"""So many are looked through before a second process has begun."""

Act = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function that is called with a log, and what else it is given."""


@dataclass(frozen=True, slots=True)
class Hands:
    """They work on the log of `source`; `done` is told of entries, in between."""

    source: Source
    crew: Crew | None
    connection: Connection | None
    done: Callable[[int], object]

    @property
    def many(self) -> int:
        """How many processes there are."""
        return 1 if self.crew is None else self.crew.size

    def one(self, act: Callable[..., Any], *given: Any) -> Any:
        """Have one job done."""
        (result,) = self.each([(act, given)])
        return result

    def each(self, acts: Iterable[Act]) -> Iterator[Any]:
        """Have each job done; what came of them, in their order.

        Raises:
            WorkerLostError: if a process ends before its time.
        """
        jobs = (Job(place, self.source, act, given) for place, (act, given) in enumerate(acts))
        told: dict[int, Any] = {}
        due = 0
        for heard in self._heard(jobs):
            if isinstance(heard, Progress):
                self.done(heard.entries)
                continue
            told[heard.place] = heard.result
            while due in told:
                yield told.pop(due)
                due += 1

    def _heard(self, jobs: Iterable[Job]) -> Iterator[Any]:
        if self.crew is not None:
            yield from self.crew.do(jobs)
            return
        for job in jobs:
            yield job.do(self.connection, lambda progress: self.done(progress.entries))


@contextmanager
def hands(
    source: Source,
    engine: Engine | None,
    entries: int,
    *,
    processes: int | None,
    done: Callable[[int], object],
) -> Iterator[Hands]:
    """As many as are of use for so many entries, or so many `processes`.

    All of them see one state of the database, if there is one.
    """
    with ExitStack() as opened:
        crew = _crew(opened, engine, processes or _of_use(entries))
        connection = None
        if crew is None and engine is not None:
            connection = opened.enter_context(reading(engine))
        yield Hands(source, crew, connection, done)


def _of_use(entries: int) -> int:
    return 1 if entries < FEW_ENTRIES else min(MOST_PROCESSES, len(os.sched_getaffinity(0)))


def _crew(opened: ExitStack, engine: Engine | None, processes: int) -> Crew | None:
    if processes < 2:
        return None
    try:
        return opened.enter_context(Crew(engine, processes))
    except (NoCrewError, NoSnapshotError):
        return None
