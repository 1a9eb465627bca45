"""The hands: who does the jobs of a proof, this process alone or a crew."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine

from incidents.audit.workers.log_port import Job, Source
from incidents.audit.workers.pool import Crew, NoCrewError
from incidents.audit.workers.snapshot import NoSnapshotError
from incidents.audit.workers.worker import Progress
from incidents.store.database.engine import reading

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
