"""The crew: worker processes that share a proof among them, all of one state of the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from multiprocessing.connection import wait
from typing import Any, Self

from sqlalchemy import Engine

from incidents.audit.workers.snapshot import shared
from incidents.audit.workers.worker import Failed, Progress, Work
from incidents.errors import IncidentsError
from incidents.system.side_process import EndedError, SideProcess

_WORK = "from incidents.audit.workers.worker import main; main()"


class WorkerLostError(IncidentsError):
    """a process of the replay has ended before its time ({detail}): nothing is proved by what it
    has done; try again"""


class NoCrewError(IncidentsError):
    """no worker processes can be started: {detail}"""


class Crew:
    """As long as it is entered, `size` processes that see the same state of the database, if any.

    Raises:
        NoCrewError: if there cannot be that many processes.
        NoSnapshotError: if they cannot see one state.
    """

    def __init__(self, engine: Engine | None, size: int) -> None:
        self.size = size
        self._engine = engine
        self._members: list[_Member] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as on_the_way:
            for _ in range(self.size):
                self._members.append(on_the_way.enter_context(_Member()))
            try:
                self._begin()
            except WorkerLostError as error:
                raise NoCrewError(detail=error.message) from error
            self._open = on_the_way.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def pids(self) -> list[int]:
        """The processes' numbers."""
        return [member.pid for member in self._members]

    def do(self, works: Iterable[Work]) -> Iterator[Any]:
        """Have each piece of work done, and tell what is told of it, and what comes of it, as it
        comes.

        Raises:
            WorkerLostError: if a process ends before its time.
        """
        tasks = iter(works)
        busy = {member.pipe: member for member in self._members if _give(member, tasks)}
        while busy:
            for pipe in wait(list(busy)):
                member = busy[pipe]  # type: ignore[index]  # what is waited for are these pipes
                told = member.hear()
                yield told
                if not isinstance(told, Progress) and not _give(member, tasks):
                    del busy[member.pipe]

    def _begin(self) -> None:
        engine = self._engine
        url = None if engine is None else engine.url.render_as_string(hide_password=False)
        for member in self._members:
            member.tell(url)
        # Only now that all are there: others may be waiting while a state is shared.
        for member in self._members:
            member.hear()
        if engine is None:
            return
        with shared(engine) as name:
            for member in self._members:
                member.tell(name)
            for member in self._members:
                member.hear()


class _Member(SideProcess):
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        try:
            super().__init__(_WORK)
        except OSError as error:
            raise NoCrewError(detail=str(error)) from error

    def tell(self, what: object) -> None:
        try:
            super().tell(what)
        except EndedError as error:
            raise WorkerLostError(detail=str(error)) from error

    def hear(self, within_s: float | None = None) -> Any:
        try:
            told = super().hear(within_s)
        except EndedError as error:
            raise WorkerLostError(detail=str(error)) from error
        if isinstance(told, Failed):
            raise WorkerLostError(detail=told.detail)
        return told


def _give(member: _Member, tasks: Iterator[Work]) -> bool:
    """Give the next task to that process, if there is one left."""
    task = next(tasks, None)
    if task is not None:
        member.tell(task)
    return task is not None
