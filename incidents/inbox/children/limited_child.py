"""The limited child: a process that works on what anybody may have sent.

It has little memory, and little time for each piece of work. It sees nothing but what it is sent:
no database, and no settings. It ends with this process.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any, Self

from incidents.errors import IncidentsError
from incidents.system.side_process import ProcessEndedError, SideProcess

MAX_BYTES = 256 << 20
"""The limit of the child's memory."""
MAX_PROCESSOR_S = 2.0
"""The limit of its processor time for one piece of work, in seconds."""
WITHIN_S = 30.0
"""The maximum time to wait for one piece of work, in seconds."""
OUT_OF_MEMORY = 12
"""The exit status of a child that has used up its memory."""

Work = Callable[[Any], Any]
"""What the child does with one piece. Its module has it: as what `prepared(options)` returns.

That function loads what the work needs: only what a piece itself takes counts for the limits.
"""
Answer = tuple[Any, str | None]
"""What came of a piece of work, or why nothing did: `slow`, `memory` or `crashed`."""


class ParserNotStartedError(IncidentsError):
    """the process that reads reports cannot be started ({detail}): allow setrlimit and setitimer"""


class LimitedChild:
    """A child in a `with` block; `module`: the name of that with the work.

    Raises:
        ParserNotStartedError: if there can be no such child.
    """

    def __init__(self, module: str, options: object = None) -> None:
        self.done = 0
        try:
            self._process = SideProcess(f"from {__name__} import main; main({module!r})")
        except OSError as error:
            raise ParserNotStartedError(detail=str(error)) from error
        try:
            self._process.send(options)
            problem = self._process.receive(within_s=WITHIN_S)
        except ProcessEndedError as error:
            problem = str(error)
        if problem is not None:
            self.end()
            raise ParserNotStartedError(detail=problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the child is gone, whoever ended it."""
        return self._process.has_ended

    def end(self) -> None:
        """End the child."""
        self._process.__exit__(None, None, None)

    def work(self, pieces: Sequence[Any]) -> Iterator[Answer]:
        """Work on the pieces, in order; the answers stop after the one that has ended the child."""
        try:
            self._process.send(pieces)
            for _ in pieces:
                yield self._process.receive(within_s=WITHIN_S)
                self.done += 1
        except ProcessEndedError as error:
            self.end()
            yield None, _reason(error.status)


def _reason(status: int) -> str:
    """Why the work cannot be done, by the way in which it ended the child."""
    if status in (-signal.SIGPROF, -signal.SIGKILL):
        return "slow"
    return "memory" if status == OUT_OF_MEMORY else "crashed"


def main(module: str) -> None:
    """Work for the process at the other end of the pipe (argument: its descriptor)."""
    with Connection(int(sys.argv[1])) as pipe, suppress(EOFError):
        work: Work = import_module(module).prepared(pipe.recv())
        try:
            _limit_memory()
        except (OSError, ValueError) as error:
            pipe.send(str(error))
            return
        pipe.send(None)
        while True:
            for piece in pipe.recv():
                with _limited():
                    answer = _answer(work, piece)
                    # While it is limited: a long answer takes time and memory, too.
                    pipe.send(answer)


def _answer(work: Work, piece: Any) -> Answer:
    try:
        return work(piece), None
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - whatever it does to what works on it
        return None, "crashed"


def _limit_memory() -> None:
    """Limit the memory of this process; raises OSError or ValueError if that is not allowed."""
    with suppress(OSError):
        os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MAX_BYTES if hard == resource.RLIM_INFINITY else min(MAX_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


@contextmanager
def _limited() -> Iterator[None]:
    """Limit a piece of work: without time or memory left, this process ends."""
    signal.setitimer(signal.ITIMER_PROF, MAX_PROCESSOR_S)
    try:
        yield
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
