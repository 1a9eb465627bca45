"""The pool: worker processes that share a proof among them, all of one state of the database.

A worker is told through a pipe, and answers through it. It ends when the pipe does, so that none is
left behind when whoever has started it is gone.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, NoReturn, Protocol, Self

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import IncidentsError
from incidents.store.database.engine import create, plainly, reading
from incidents.store.schema.tables import desk
from incidents.system.side_process import EndedError, SideProcess

PATIENCE_S = 2.0
"""So long is waited for a file that somebody writes to: others wait behind us."""


class NoSnapshotError(IncidentsError):
    """no state of the database can be shared: {detail}"""


@contextmanager
def shared(engine: Engine) -> Iterator[str | None]:
    """While it lasts, all transactions that `joined` begins see one state; yields its name.

    On SQLite states have no names: for this moment nobody can write.

    Raises:
        NoSnapshotError: if the database cannot do that: a file that cannot be written to, say.
    """
    if engine.dialect.name == "sqlite":
        with _nobody_writes(str(engine.url.database)):
            yield None
        return
    with reading(engine) as connection:
        yield _name(connection)


@contextmanager
def joined(engine: Engine, name: str | None) -> Iterator[Connection]:
    """A transaction that reads the state of that name, also when it is shared no longer."""
    with reading(engine) as connection:
        if name is not None:
            # This statement takes no parameters; the server has made the name.
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        # What SQLite shows is what it is at the first look.
        connection.execute(select(desk.c.id)).all()
        yield connection


@contextmanager
def _nobody_writes(file: str) -> Iterator[None]:
    with closing(sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise NoSnapshotError(detail=str(error)) from error
        try:
            yield
        finally:
            connection.execute("ROLLBACK")


def _name(connection: Connection) -> str:
    try:
        return str(connection.scalar(text("SELECT pg_export_snapshot()")))
    except DBAPIError as error:
        raise NoSnapshotError(detail=str(error.orig)) from error


Tell = Callable[["Progress"], object]


class Work(Protocol):
    """A piece of work; it goes through the pipe, and so does what comes of it."""

    def do(self, connection: Connection | None, tell: Tell) -> Any:
        """Do it, on the database if there is one, and tell on the way how far it is."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The worker has done what it was told last, and nothing came of it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """So many more entries have been looked at."""

    entries: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The worker cannot go on."""

    detail: str


def main() -> None:
    """Work for the process at the other end of the pipe, whose file descriptor is the argument."""
    serve(Pipe(int(sys.argv[1])))


def serve(pipe: Pipe) -> None:
    """Work for whoever is at the other end of the pipe, until it is closed."""
    # The other end is gone: there is nobody left to work for.
    with pipe, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _work(pipe)
        except IncidentsError as error:
            pipe.send(Failed(error.message))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told at the other end
            pipe.send(Failed(f"a fault in this program: {type(error).__name__}"))


def _work(pipe: Pipe) -> None:
    url = pipe.recv()
    if url is None:
        pipe.send(Ready())
        _do_all(pipe, None)
    engine = create(url)
    with ExitStack() as closed, plainly(engine):
        closed.callback(engine.dispose)
        engine.connect().close()
        pipe.send(Ready())
        with joined(engine, pipe.recv()) as connection:
            pipe.send(Ready())
            _do_all(pipe, connection)


def _do_all(pipe: Pipe, connection: Connection | None) -> NoReturn:
    while True:
        work: Work = pipe.recv()
        pipe.send(work.do(connection, pipe.send))


_WORK = "from incidents.audit.pool import main; main()"


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
