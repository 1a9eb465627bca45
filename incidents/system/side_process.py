"""The side process: a second Python that works for this process, with a limit for each account.

The side process ends with this process, however this process ends. Workers of `concurrent.futures`
and `multiprocessing` do not: each holds both ends of its queue, and stays forever if its parent is
killed. They also react to Ctrl-C only after their current work.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import Pipe
from threading import Lock
from typing import Any, Self

from incidents.errors import IncidentsError
from incidents.system.shared import SharedValue

_GRACE_S = 5.0
"""How long a process may live on after its end of the pipe is closed, in seconds."""


class ProcessEndedError(Exception):
    """The process ended early; its exit `status` is negative if a signal ended it."""

    def __init__(self, status: int) -> None:
        super().__init__(f"killed by signal {-status}" if status < 0 else f"exit status {status}")
        self.status = status


class SideProcess:
    """A process in a `with` block that runs `work`: Python code that gets the pipe's descriptor.

    Raises:
        OSError: if the process cannot be started.
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
        """The process id."""
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended."""
        return self._process.poll() is not None

    def send(self, what: object) -> None:
        """Send the process a value (pickled); raises ProcessEndedError."""
        try:
            self.pipe.send(what)
        except OSError as error:
            raise ProcessEndedError(self._status()) from error

    def receive(self, within_s: float | None = None) -> Any:
        """Receive the process's next value; kill it after `within_s`; raises ProcessEndedError."""
        if within_s is not None and not self.pipe.poll(within_s):
            self._process.kill()
        try:
            return self.pipe.recv()
        except (EOFError, OSError) as error:
            raise ProcessEndedError(self._status()) from error

    def _status(self) -> int:
        """The exit status of the process, whose pipe is broken; kill it if it goes on."""
        try:
            return self._process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _start(work: str, pipe: int) -> subprocess.Popen[bytes]:
    """Start a fresh process: in a copy of this process, threads and connections would not work."""
    if not sys.executable or getattr(sys, "frozen", False):
        raise OSError("this program is no script of an interpreter")
    return subprocess.Popen(
        [sys.executable, "-P", "-c", work, str(pipe)],
        # The same module path as here, without the current folder.
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        pass_fds=(pipe,),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Ctrl-C reaches this process alone, which ends the other.
        process_group=0,
    )


BUDGET_S, WITHIN_S = 30.0, 60.0
"""The processor seconds that an account may use, and the seconds in which it may use them."""
Spent = Callable[[float], object]
"""A callback to report used processor seconds."""
IN_HAND_S = 5
"""The seconds that an account must wait if another of its requests is still running."""


class OverspentError(IncidentsError):
    """{by} has another request running, or has used more than {budget_s} seconds of the server's
    processor within a minute: try again in {wait_s} seconds"""


class ProcessorBudget:
    """The processor time spent by the accounts of a process and of its copies; thread-safe.

    A budget refills steadily. An account with any budget left may begin, so a long piece of work
    runs to its end, and delays the account's next piece. Each process has one piece at a time.
    """

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        spent: Callable[[], float] = time.thread_time,
    ) -> None:
        self._monotonic, self._spent = monotonic, spent
        self._lock = Lock()
        self._in_hand: set[str] = set()
        self._owed = SharedValue[dict[str, tuple[float, float]]]({})

    @contextmanager
    def charge(self, by: str) -> Iterator[Spent]:
        """Charge this thread's work to that account, one piece at a time.

        Yields a callback for the seconds that another process works for the account.

        Raises:
            OverspentError: if the account has used too much; it must wait `wait_s` seconds.
        """
        with self._lock:
            wait_s = IN_HAND_S if by in self._in_hand else math.ceil(self._too_much_s(by))
            if wait_s > 0:
                raise OverspentError(by=by, budget_s=f"{BUDGET_S:.0f}", wait_s=wait_s)
            self._in_hand.add(by)
        elsewhere: list[float] = []
        began = self._spent()
        try:
            yield elsewhere.append
        finally:
            with self._lock:
                self._in_hand.discard(by)
                now = self._monotonic()
                spent = self._spent() - began + sum(elsewhere)
                with self._owed.changing() as owed:
                    owed[by] = (_owed_s(owed, by, now) + spent, now)

    def _too_much_s(self, by: str) -> float:
        """The seconds until the account owes no more than its budget."""
        owed = _owed_s(self._owed.get(), by, self._monotonic())
        return max(0.0, owed - BUDGET_S) * WITHIN_S / BUDGET_S


def _owed_s(of: dict[str, tuple[float, float]], by: str, now: float) -> float:
    owed, at = of.get(by, (0.0, now))
    return max(0.0, owed - (now - at) * BUDGET_S / WITHIN_S)
