"""The side process: a Python of its own that works for this one; both tell through a pipe.

It ends when this one does, however this one ends. The workers of `concurrent.futures` and of
`multiprocessing` do not: each holds both ends of the queue that it waits at, and stays for ever
when whoever started it is killed. Ctrl-C is answered only when what they are at is done.
"""

from __future__ import annotations

import os
import subprocess
import sys
from multiprocessing import Pipe
from typing import Any, Self


class EndedError(Exception):
    """It has ended before its time: its exit `status` is below 0 where a signal ended it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"killed by signal {-status}" if status < 0 else f"exit status {status}")
        self.status = status


class SideProcess:
    """One process, which runs `work`, Python that finds the pipe's descriptor as its argument. It
    is killed when this is left.

    Raises:
        OSError: if it cannot be started.
    """

    def __init__(self, work: str) -> None:
        self.pipe, its_end = Pipe()
        try:
            self._process = _start(work, its_end.fileno())
        except ValueError as error:
            raise OSError(str(error)) from error
        finally:
            its_end.close()
            if not hasattr(self, "_process"):
                self.pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self.pipe.close()

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def tell(self, what: object) -> None:
        """Send it a value (pickled); raises EndedError."""
        try:
            self.pipe.send(what)
        except OSError as error:
            raise EndedError(self._process.wait()) from error

    def hear(self, within_s: float | None = None) -> Any:
        """The next value that it sends; raises EndedError, and kills it for that after so long."""
        if within_s is not None and not self.pipe.poll(within_s):
            self._process.kill()
        try:
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            raise EndedError(self._process.wait()) from error


def _start(work: str, pipe: int) -> subprocess.Popen[bytes]:
    """A process of its own, not a copy of this one: threads and connections are not copied well."""
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("this program is no script of an interpreter")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", work, str(pipe)],
        # It finds the modules that this process finds, and none in the folder it happens to be in.
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        pass_fds=(pipe,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Ctrl-C is for us alone: we end it.
        process_group=0,
    )
