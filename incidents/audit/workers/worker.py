"""The worker: a process that does one piece of a proof after the other, as it is told.

It is told through a pipe, and answers through it. It ends when the pipe does, so that none is left
behind when whoever has started it is gone.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any, NoReturn, Protocol

from sqlalchemy import Connection

from incidents.audit.workers.snapshot import joined
from incidents.errors import IncidentsError
from incidents.store.database.engine import create, plainly

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
