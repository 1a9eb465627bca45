"""The processes of a daemon: one for the deadlines, and one each for the record and deliveries.

The first process, which the service manager knows, has no threads and no connections. Therefore it
can fork: it begins the others, begins each again that dies, and passes on what they report.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, Pipe
from typing import NoReturn

from incidents import log
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.board import Board
from incidents.daemon.duties import DeliveryDuties, RecordDuties
from incidents.daemon.heartbeat import identity
from incidents.daemon.loop import Loop
from incidents.daemon.part import MAX_DATABASE_S, Backoff
from incidents.daemon.signals import blocked_signals, end_at_once, stop_signal
from incidents.errors import IncidentsError
from incidents.system.parent_process import die_with

_WATCH_S = 0.1
_HEALTHY_S = 60.0
_STOP_S = 25.0


def run(app: App, systemd: journal.Systemd | None = None) -> int:
    """Enforce deadlines until SIGTERM or SIGINT; return the exit status.

    The current batch is finished first, unless a second signal arrives. SIGKILL loses only the
    current batch, which the next daemon repeats.

    With one processor, or by the setting, all duties are threads of this process.

    Raises:
        IncidentsError: if there is no database to enforce in, and waiting will not help.
    """
    log.adopt_library_logs()
    systemd = journal.Systemd() if systemd is None else systemd
    with blocked_signals():
        whole = Processes if _are_several(app) else Loop
        return whole(app, systemd).run()


def _are_several(app: App) -> bool:
    chosen = app.settings.daemon_processes
    return len(os.sched_getaffinity(0)) > 1 if chosen is None else chosen == "several"


class Processes:
    """The processes of one daemon, as its first process sees them."""

    def __init__(self, app: App, systemd: journal.Systemd) -> None:
        self._app, self._systemd = app, systemd
        self._me, board = identity(), Board()
        deadlines = Loop(app, systemd, duties=(), board=board, me=self._me)
        others = (
            (duties.name, Loop(app, systemd, enforces=False, duties=(duties,), board=board))
            for duties in (RecordDuties, DeliveryDuties)
        )
        self._all = [
            _Process(name, loop, systemd) for name, loop in [("clock", deadlines), *others]
        ]

    def run(self) -> int:
        """Begin all processes, and watch them until a signal to stop; see `run` of the module."""
        journal.started(self._app, self._me)
        # A collection in a process would copy every page that it shares with the others.
        gc.freeze()
        for each in self._all:
            each.try_to_begin()
        received, fatal = self._watch()
        journal.stopping(self._systemd, received)
        self._stop()
        journal.stopped(self._me, fatal)
        return 0

    def _watch(self) -> tuple[int | None, IncidentsError | None]:
        """Return the signal to stop, or the error that does not go away by waiting."""
        while True:
            received = stop_signal(_WATCH_S)
            if received is not None:
                return received, None
            for each in self._all:
                for heard in each.look():
                    if isinstance(heard, IncidentsError):
                        return None, heard
                    self._systemd.send(heard)

    def _stop(self) -> None:
        """Stop all processes; a second signal ends them immediately, with this one.

        One that hangs is killed after a while: its transaction is rolled back.
        """
        for each in self._all:
            each.stop()
        until = time.monotonic() + _STOP_S
        while left := [each for each in self._all if each.is_running]:
            received = stop_signal(0.05)
            if received is not None:
                end_at_once(received)
            if time.monotonic() > until:
                until = time.monotonic() + _STOP_S
                for each in left:
                    each.kill()


class _Process:
    """A process in which one loop runs; it ends when the first process ends, however that ends."""

    def __init__(self, name: str, loop: Loop, systemd: journal.Systemd) -> None:
        self._name, self._loop, self._systemd = name, loop, systemd
        self._backoff = Backoff()
        self._pid: int | None = None
        self._pipe: Connection | None = None
        self._began = 0.0
        self._deaths = 0

    def try_to_begin(self) -> None:
        """Fork the process; if there is no room for it, `look` tries again."""
        try:
            self._begin()
        except OSError as error:
            wait_s = self._backoff.failed(MAX_DATABASE_S)
            journal.error(
                "a process of this daemon cannot be started",
                duty=self._name, reason=error.strerror, wait_s=round(wait_s, 1),
            )  # fmt: skip

    def _begin(self) -> None:
        first = os.getpid()
        pipe, its_end = Pipe(duplex=False)
        try:
            pid = os.fork()
        except OSError:
            pipe.close()
            its_end.close()
            raise
        if pid == 0:
            self._be(first, its_end)
        its_end.close()
        self._pid, self._pipe, self._began = pid, pipe, time.monotonic()

    def look(self) -> Iterator[str | IncidentsError]:
        """What the process has reported; if it died, begin it again, after a wait."""
        if self._pipe is None:
            if not self._backoff.waiting:
                self.try_to_begin()
            return
        try:
            while self._pipe.poll():
                yield self._pipe.recv()
        except (EOFError, OSError):
            self._pipe.close()
            self._pipe = None
            self._died()

    def stop(self) -> None:
        """Send the signal to stop."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGTERM)

    def kill(self) -> None:
        """Kill the process, which has not stopped."""
        journal.error("a process of this daemon did not stop: it is killed", duty=self._name)
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        if self._pid is not None and os.waitpid(self._pid, os.WNOHANG) != (0, 0):
            self._pid = None
        return self._pid is not None

    def _died(self) -> None:
        assert self._pid is not None
        pid, status = os.waitpid(self._pid, 0)
        status = os.waitstatus_to_exitcode(status)
        self._pid = None
        if time.monotonic() - self._began > _HEALTHY_S:
            self._backoff.succeeded()
            self._deaths = 0
        self._deaths += 1
        # A deadline must not wait for the first time.
        wait_s = 0.0 if self._deaths == 1 else self._backoff.failed(MAX_DATABASE_S)
        why = f"killed by signal {-status}" if status < 0 else f"exit status {status}"
        journal.error(
            "a process of this daemon died: it is started again",
            duty=self._name, pid=pid, reason=why, wait_s=round(wait_s, 1),
        )  # fmt: skip

    def _be(self, first: int, pipe: Connection) -> NoReturn:
        """Be that process."""
        status = 1
        try:
            die_with(first, f"daemon-{self._name}")
            # If the first process does not read, it must not delay the clock.
            os.set_blocking(pipe.fileno(), False)
            self._systemd.send = partial(_report, pipe)
            fatal = self._loop.run_part()
            if fatal is not None:
                _report(pipe, fatal)
            status = 0
        except BaseException as error:  # noqa: BLE001 - the first process's command must not go on here
            journal.error("this process cannot go on", duty=self._name, error=error)
            if os.environ.get("INCIDENTS_DEBUG"):
                traceback.print_exc()
        finally:
            with suppress(OSError, ValueError):
                sys.stderr.flush()
            os._exit(status)


def _report(pipe: Connection, what: str | IncidentsError) -> None:
    with suppress(OSError):
        pipe.send(what)
