"""The nursery: a process that has loaded the program, and forks what a test wants to run.

A child is a process like any other, only that it need not load a second of libraries. Variables,
folder and streams are those that it is given; what it leaves behind becomes a child of the nursery.
When its owner ends, the nursery kills them all, so that nothing outlives a run.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tests import nursery_process
from tests.patience import PATIENCE_S

ROOT = Path(__file__).parents[1]

_FAKED = "LD_PRELOAD"


class Child:
    """A process that a nursery has forked, as `subprocess.Popen` shows one of its own."""

    def __init__(self, nursery: Nursery, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._nursery = nursery
        self._end = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """The exit status, negative for a signal; None while it runs."""
        return self._look(0)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for its end.

        Raises:
            subprocess.TimeoutExpired: if it does not come.
        """
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout)
        return status

    def send_signal(self, number: int) -> None:
        """Send it, unless the process has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._end, number)

    def kill(self) -> None:
        """Kill it, and wait for its end."""
        self.send_signal(signal.SIGKILL)
        self.wait()

    def fileno(self) -> int:
        """Is readable when the process has ended; not to be asked for after that was seen."""
        return self._end

    def _look(self, timeout: float) -> int | None:
        if self.returncode is None and select.select([self._end], [], [], timeout)[0]:
            self.returncode = self._nursery.status_of(self.pid)
            os.close(self._end)
        return self.returncode


class Nursery:
    """A nursery as its owner sees it; threads may share it."""

    def __init__(self, to_it: socket.socket) -> None:
        self._to_it = to_it
        self._turn = threading.Lock()

    def end(self) -> None:
        """It ends with all its children."""
        self._to_it.close()

    def begin(
        self,
        words: Sequence[str],
        *,
        env: Mapping[str, str],
        streams: tuple[int, int, int],
        module: str = "",
        cwd: Path = ROOT,
        **how: Any,
    ) -> Child:
        """A new process: `incidents WORDS`, or `python -m MODULE WORDS`.

        With `anew` it loads everything from nothing, as a user's shell does. With `traced` nothing
        happens in it before it is traced; with `to_the_end` it ends as an interpreter does, and not
        at once. `encoding` is that of its streams, `memory` how many bytes it may have.
        """
        asked = {"words": list(words), "env": dict(env), "module": module, "cwd": str(cwd), **how}
        request = os.memfd_create("request")
        try:
            os.write(request, json.dumps(asked).encode())
            os.lseek(request, 0, os.SEEK_SET)
            pid = self._tell(request, *streams, do="begin", traced=how.get("traced", False))
        finally:
            os.close(request)
        return Child(self, pid)

    @contextmanager
    def apart(self) -> Iterator[Nursery]:
        """One with no children but its own, for who clears them away."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours:
            with theirs:
                pid = self._tell(theirs.fileno(), do="begin_apart")
            yield Nursery(ours)
        assert self.status_of(pid) == 0

    def status_of(self, pid: int) -> int:
        """Wait for the process to end; its exit status, negative for a signal."""
        return int(self._tell(do="status_of", pid=pid))

    def clear(self) -> int:
        """Kill and wait for all that is left, and what they left behind; how many there were."""
        return int(self._tell(do="clear"))

    def _tell(self, *descriptors: int, **order: Any) -> Any:
        with self._turn:
            socket.send_fds(self._to_it, [json.dumps(order).encode()], descriptors)
            answer = self._to_it.recv(4_096)
        assert answer, "the nursery has died"
        return json.loads(answer)


def nursery_for(env: Mapping[str, str]) -> Nursery:
    """This process's own nursery: children on simulated clocks must be born with libfaketime."""
    return _started(env.get(_FAKED))


@cache
def _started(library: str | None) -> Nursery:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    faked = {name: value for name, value in os.environ.items() if name.startswith("FAKETIME")}
    assert not faked, "a nursery that has a simulated clock could give its children no other"
    env = dict(os.environ)
    if library is not None:
        env |= {_FAKED: library, **FAKETIME_SETTINGS}
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", nursery_process.__name__, str(theirs.fileno())],
            env=env, cwd=ROOT, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            # An interrupt is for its owner, whose end it sees.
            start_new_session=True,
        )  # fmt: skip
    made = Nursery(ours)
    atexit.register(process.wait)
    atexit.register(made.end)
    return made


FAKETIME_SETTINGS = {
    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    # Else threads that wait for one another spin, and read the clock's file each time.
    "FAKETIME_FORCE_MONOTONIC_FIX": "0",
    "FAKETIME_NO_CACHE": "1",
    # It keeps files in /dev/shm. A killed process leaves them, and then no process of the same
    # number can start.
    "FAKETIME_DISABLE_SHM": "1",
}
"""The mode of libfaketime: it leaves waiting alone, and reads the clock's file each time."""


# A command, run to its end.


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a command; a negative `status` is a signal; `late`: it had to be stopped."""

    status: int
    out: bytes
    err: bytes
    late: bool = False

    @property
    def stdout(self) -> str:
        """Its standard output, as text."""
        return self.out.decode()

    @property
    def stderr(self) -> str:
        """Its standard error, as text."""
        return self.err.decode()


def run(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    piped: bytes = b"",
    out: int | None = None,
    err: int | None = None,
    limit_s: float = PATIENCE_S,
    begun: Callable[[Child], object] = lambda _: None,
    **how: Any,
) -> Outcome:
    """Run one command to its end, with `piped` to read; after `limit_s` it is sent SIGTERM.

    With `out` and `err` it writes there, and that is not in the outcome.
    """
    given, told, told_of_errors = (os.memfd_create(name) for name in ("in", "out", "err"))
    try:
        os.write(given, piped)
        os.lseek(given, 0, os.SEEK_SET)
        streams = given, told if out is None else out, told_of_errors if err is None else err
        child = nursery_for(env).begin(words, env=env, streams=streams, **how)
        begun(child)
        status, late = ended_by(child, limit_s)
        return Outcome(status, _content(told), _content(told_of_errors), late=late)
    finally:
        for each in (given, told, told_of_errors):
            os.close(each)


def ended_by(child: Child, limit_s: float) -> tuple[int, bool]:
    """Its status, and whether it had to be sent SIGTERM when the time was up, or SIGKILL later."""
    for number, patience_s in ((signal.SIGTERM, limit_s), (signal.SIGKILL, PATIENCE_S)):
        try:
            return child.wait(patience_s), number == signal.SIGKILL
        except subprocess.TimeoutExpired:
            child.send_signal(number)
    return child.wait(), True


def _content(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)
