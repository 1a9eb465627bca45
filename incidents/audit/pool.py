"""The pool: worker processes that share a proof, all on one state of the database.

A worker reads jobs from a pipe and writes to it: `(False, n)` after `n` more entries, `(True,
result)` at the end of a job, or the error at which it gives up. A worker ends when its pipe closes,
so that no worker outlives the process that started it.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.connection import wait
from typing import Any, Protocol, Self

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import DBAPIError

from incidents.errors import Cause, IncidentsError
from incidents.store.database.engine import create, plainly, reading
from incidents.store.schema.desk_tables import desk
from incidents.system.side_process import ProcessEndedError, SideProcess

PATIENCE_S = 2.0
"""The maximum number of seconds to wait for a file that somebody writes: others wait too."""


class NoPoolError(IncidentsError):
    """cannot start worker processes, or they cannot see the same state of the database: {detail}"""


class WorkerLostError(IncidentsError):
    """a replay process ended early ({detail}), so its result proves nothing: try again"""


@contextmanager
def share_snapshot(engine: Engine) -> Iterator[str | None]:
    """Share one state of the database with the transactions of `join_snapshot`; yield its name.

    SQLite states have no names: nobody can write until all transactions have begun.

    Raises:
        NoPoolError: if the database cannot share a state, for example because its file is
            read-only.
    """
    if engine.dialect.name == "sqlite":
        file = str(engine.url.database)
        with closing(sqlite3.connect(file, timeout=PATIENCE_S, isolation_level=None)) as writer:
            try:
                writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise NoPoolError(detail=str(error)) from error
            yield None
        return
    with reading(engine) as connection:
        try:
            name = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        except DBAPIError as error:
            raise NoPoolError(detail=str(error.orig)) from error
        yield name


@contextmanager
def join_snapshot(engine: Engine, name: str | None) -> Iterator[Connection]:
    """Open a transaction that reads the named state, even if it is no longer shared."""
    with reading(engine) as connection:
        if name is not None:
            # This statement takes no parameters; the server has made the name.
            connection.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{name}'")
        # SQLite fixes the state at the first query.
        connection.execute(select(desk.c.id)).all()
        yield connection


Progress = Callable[[int], object]
"""A callback for progress; it gets the number of further entries that were read."""


class Work(Protocol):
    """A job. Both the job and its result are sent through the pipe."""

    def do(self, connection: Connection | None, progress: Progress) -> Any:
        """Run the job, on the database if there is one."""


def main() -> None:
    """Run jobs for the process at the other end of the pipe, whose descriptor is the argument."""
    serve(Pipe(int(sys.argv[1])))


def serve(pipe: Pipe) -> None:
    """Run jobs from the pipe until the other end closes it."""
    # The other end is gone: nobody waits for results.
    with pipe, suppress(EOFError, BrokenPipeError, ConnectionResetError):
        try:
            _run_jobs(pipe)
        except IncidentsError as error:
            pipe.send(WorkerLostError(detail=error.message))
        except OSError:
            raise
        except Exception as error:  # noqa: BLE001 - sent to the other end
            detail = Cause.of(
                "own_fault", "a fault in this program: {name}", name=type(error).__name__
            )
            pipe.send(WorkerLostError(detail=detail))


def _run_jobs(pipe: Pipe) -> None:
    """Run jobs, after receiving the address of the database, if any, and the name of its state."""
    with ExitStack() as opened:
        connection = None
        url = pipe.recv()
        if url is not None:
            engine = create(url)
            opened.callback(engine.dispose)
            opened.enter_context(plainly(engine))
            engine.connect().close()
            pipe.send(None)
            connection = opened.enter_context(join_snapshot(engine, pipe.recv()))
        pipe.send(None)
        while True:
            work: Work = pipe.recv()
            pipe.send((True, work.do(connection, lambda n: pipe.send((False, n)))))


_WORK = "from incidents.audit.pool import main; main()"


class WorkerPool:
    """A context manager for a pool of `size` processes that see one state of the database.

    Raises:
        NoPoolError: if so many processes cannot start, or cannot see the same state.
    """

    def __init__(self, engine: Engine | None, size: int) -> None:
        self.size = size
        self._engine = engine
        self._workers: list[SideProcess] = []
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as on_the_way:
            try:
                for _ in range(self.size):
                    self._workers.append(on_the_way.enter_context(SideProcess(_WORK)))
                self._begin()
            except (OSError, ProcessEndedError, WorkerLostError) as error:
                raise NoPoolError(detail=str(error)) from error
            self._open = on_the_way.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def pids(self) -> list[int]:
        """The process ids of the workers."""
        return [worker.pid for worker in self._workers]

    def each(self, works: Iterable[Work], progress: Progress) -> Iterator[Any]:
        """Run all jobs, and return their results in order.

        Raises:
            WorkerLostError: if a process ends too early.
        """
        left, idle = enumerate(works), list(self._workers)
        busy: dict[Any, tuple[SideProcess, int]] = {}
        results: dict[int, Any] = {}
        due = 0
        try:
            while True:
                for worker, (place, work) in zip(idle, left, strict=False):
                    worker.send(work)
                    busy[worker.pipe] = worker, place
                while due in results:
                    yield results.pop(due)
                    due += 1
                if not busy:
                    return
                idle = []
                for pipe in wait(list(busy)):
                    worker, place = busy[pipe]
                    is_done, found = _receive(worker)
                    if is_done:
                        results[place] = found
                        idle.append(worker)
                        del busy[pipe]
                    else:
                        progress(found)
        except ProcessEndedError as error:
            raise WorkerLostError(detail=str(error)) from error

    def _begin(self) -> None:
        engine = self._engine
        url = None if engine is None else engine.url.render_as_string(hide_password=False)
        for worker in self._workers:
            worker.send(url)
        # Only once all have started: others may wait while a state is shared.
        for worker in self._workers:
            _receive(worker)
        if engine is None:
            return
        with share_snapshot(engine) as name:
            for worker in self._workers:
                worker.send(name)
            for worker in self._workers:
                _receive(worker)


def _receive(worker: SideProcess) -> Any:
    heard = worker.receive()
    if isinstance(heard, WorkerLostError):
        raise heard
    return heard
