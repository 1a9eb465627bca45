"""The child process: a copy of this process, which is watched, and started again when it ends.

It ends with this process, however this process ends. It is to be heard each second.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from incidents.system.parent_process import die_with

SILENT_S = 30.0
"""A child that has not been heard for so long is killed: it hangs."""

HEALTHY_S = 60.0
"""A child that ends sooner than this is started again after a wait, from its second end on."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 2.0

# A process that was itself stopped for longer than this has not listened.
_PAUSED_S = 5.0


class ChildProcess:
    """The place of a child: its process while it runs, otherwise the time of its next start.

    `name`: at most 15 bytes, for `ps` and `top`. `log_error`: is called with a sentence and facts.
    `channel`: this process's end of a socket pair, which does not block.
    """

    def __init__(self, name: str, log_error: Callable[..., None]) -> None:
        self.name, self._log_error = name, log_error
        self.pid: int | None = None
        self.channel: socket.socket
        self._start_at = self._started_at = self._heard_at = self._checked_at = 0.0
        self._quick_ends = 0
        self._is_killed = False

    @property
    def is_due(self) -> bool:
        """Whether the child does not run, and its wait is over."""
        return self.pid is None and time.monotonic() >= self._start_at

    def start(self, work: Callable[[socket.socket], object]) -> None:
        """Fork the child, which calls `work` with its end of the channel, and ends.

        The signals that are blocked here are blocked in `work`. If there is no room for a process,
        this is logged, and the child is due again after a wait.
        """
        for stream in (sys.stdout, sys.stderr):
            # What is not written yet would be written twice. It may be that it cannot be written.
            with suppress(OSError, ValueError):
                stream.flush()
        self._started_at, parent = time.monotonic(), os.getpid()
        ends: tuple[socket.socket, ...] = ()
        try:
            ends = ours, theirs = socket.socketpair()
            pid = os.fork()
        except OSError as error:
            for end in ends:
                end.close()
            wait_s = self._wait()
            self._log(
                "a process cannot be started",
                process=self.name, reason=error.strerror, wait_s=wait_s,
            )  # fmt: skip
            return
        if not pid:
            ours.close()
            self._run_child(parent, lambda: work(theirs))
        theirs.close()
        ours.setblocking(False)
        self.pid, self.channel = pid, ours
        self._heard_at = self._checked_at = self._started_at
        self._is_killed = False

    def _run_child(self, parent: int, work: Callable[[], object]) -> NoReturn:
        """Be the child."""
        status = 1
        try:
            die_with(parent, self.name)
            work()
            status = 0
        except BaseException as error:  # noqa: BLE001 - nothing of the parent's may run in a copy
            self._log("this process cannot go on", process=self.name, error=error)
            if os.environ.get("INCIDENTS_DEBUG"):
                traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)

    def heard(self) -> None:
        """Note that the child goes on."""
        self._heard_at = time.monotonic()

    def silent_s(self) -> float:
        """For how many seconds the child has not been heard."""
        return time.monotonic() - self._heard_at

    def check(self, hear: Callable[[], object] = lambda: None) -> bool:
        """Kill the child if it hangs, and reap it if it has ended; return whether it has.

        `hear` reads the channel, after an end for the last time, and calls `heard` if it can.
        """
        if self.pid is None:
            return False
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        hear()
        if not pid:
            self._kill_if_it_hangs()
            return False
        self._close()
        code, wait_s = os.waitstatus_to_exitcode(status), self._wait()
        self._log(
            "a process ended: it is started again",
            process=self.name, pid=pid, wait_s=wait_s,
            reason=f"killed by signal {-code}" if code < 0 else f"exit status {code}",
        )  # fmt: skip
        return True

    def _kill_if_it_hangs(self) -> None:
        now = time.monotonic()
        if now - self._checked_at > _PAUSED_S:
            self._heard_at = now
        self._checked_at = now
        if self.silent_s() > SILENT_S and not self._is_killed:
            self.kill("a process hangs: it is killed")

    def signal(self, number: int) -> None:
        """Send the child a signal, if it runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def kill(self, why: str) -> None:
        """Kill the child, and log that sentence."""
        self.signal(signal.SIGKILL)
        self._is_killed = True
        self._log(why, process=self.name, pid=self.pid)

    def has_ended(self) -> bool:
        """Whether the child, which is to end, does not run any more; reaps it."""
        if self.pid is not None and os.waitpid(self.pid, os.WNOHANG)[0]:
            self._close()
        return self.pid is None

    def _close(self) -> None:
        self.channel.close()
        self.pid = None

    def _log(self, sentence: str, **facts: Any) -> None:
        # The disk is full, or the reader has gone away; the work goes on.
        with suppress(OSError, ValueError):
            self._log_error(sentence, **facts)

    def _wait(self) -> float:
        """Set the time of the next start; return the seconds until then."""
        now = time.monotonic()
        self._quick_ends = self._quick_ends + 1 if now - self._started_at < HEALTHY_S else 1
        # The work must not wait for the first time.
        wait_s = 0.0
        if self._quick_ends > 1:
            doubled = FIRST_WAIT_S * 2.0 ** min(self._quick_ends - 2, 10)
            # Children that ended together need not start together.
            wait_s = min(doubled, LONGEST_WAIT_S) * (1 - random.random() / 2)  # noqa: S311 - no secret
        self._start_at = now + wait_s
        return round(wait_s, 1)
