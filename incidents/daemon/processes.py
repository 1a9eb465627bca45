"""The processes of a daemon: one for the deadlines, and one each for the record and deliveries.

The first process, which the service manager knows, has no threads and no connections. Therefore it
can fork: it begins the others, begins each again that dies, and passes on what they report.
"""

from __future__ import annotations

import gc
import os
import signal
import socket
import time
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection

from incidents import log
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.duties import DeliveryDuties, RecordDuties
from incidents.daemon.heartbeat import identity
from incidents.daemon.loop import Loop
from incidents.daemon.shared_status import SharedStatus
from incidents.daemon.signals import blocked_signals, end_at_once, stop_signal
from incidents.enforcement.running_programs import RUNNING
from incidents.errors import IncidentsError
from incidents.system.child_process import ChildProcess

STOP_S = 25.0
"""How long a process may take to stop; then it is killed."""
_WATCH_S = 0.1
_KILL_S = 1.0
_DELIVERY = f"daemon-{DeliveryDuties.name}"

Report = str | IncidentsError | None
"""A line for the service manager, an error that does not go away by waiting, or a sign of life."""


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
        self._me, shared = identity(), SharedStatus()
        deadlines = Loop(app, systemd, duties=(), shared=shared, me=self._me)
        others = (
            (duties.name, Loop(app, systemd, enforces=False, duties=(duties,), shared=shared))
            for duties in (RecordDuties, DeliveryDuties)
        )
        self._loops = {
            ChildProcess(f"daemon-{name}", journal.error): loop
            for name, loop in [("clock", deadlines), *others]
        }

    def run(self) -> int:
        """Begin all processes, and watch them until a signal to stop; see `run` of the module."""
        journal.started(self._app, self._me)
        # A collection in a process would copy every page that it shares with the others.
        gc.freeze()
        received, fatal = self._watch()
        journal.stopping(self._systemd, received)
        stop(self._loops)
        journal.stopped(self._me, fatal)
        return 0

    def _watch(self) -> tuple[int | None, IncidentsError | None]:
        """Return the signal to stop, or the error that does not go away by waiting."""
        while True:
            for child, loop in self._loops.items():
                if child.is_due:
                    child.start(partial(_run_loop, loop, self._systemd))
            received = stop_signal(_WATCH_S)
            if received is not None:
                return received, None
            for child in self._loops:
                reports: list[Report] = []
                if child.check(partial(_read, child, reports)) and child.name == _DELIVERY:
                    _end_programs()
                for report in reports:
                    if isinstance(report, IncidentsError):
                        return None, report
                    if report is not None:
                        self._systemd.send(report)


def stop(children: Collection[ChildProcess]) -> None:
    """Stop all these processes; a second signal ends them immediately, with this one.

    One that hangs is killed after a while: its transaction is rolled back.
    """
    for child in children:
        child.signal(signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while left := [child for child in children if not child.has_ended()]:
        received = stop_signal(0.05)
        if received is not None:
            _kill_all(left)
            end_at_once(received)
        if time.monotonic() > until:
            until = time.monotonic() + STOP_S
            for child in left:
                child.kill("a process did not stop: it is killed")
    _end_programs()


def _kill_all(children: Collection[ChildProcess]) -> None:
    """Kill the processes, and what they would leave running."""
    for child in children:
        child.signal(signal.SIGKILL)
    until = time.monotonic() + _KILL_S
    while not all(child.has_ended() for child in children) and time.monotonic() < until:
        time.sleep(0.01)
    _end_programs()


def _end_programs() -> None:
    """End the programs of a process that could not do so: its orders are tried again."""
    for pid in RUNNING.kill():
        journal.warning("a program was left running: it is killed", pid=pid)


def _read(child: ChildProcess, reports: list[Report]) -> None:
    """Add what the process has reported."""
    with suppress(EOFError, OSError), Connection(os.dup(child.channel.fileno())) as channel:
        while channel.poll():
            # Each report is whole: it is sent at once, and far shorter than the channel's buffer.
            reports.append(channel.recv())
            child.heard()


def _run_loop(loop: Loop, systemd: journal.Systemd, channel: socket.socket) -> None:
    """Run the loop of this process, with its end of the channel."""
    # If the first process does not read, it must not delay the clock.
    channel.setblocking(False)
    pipe = Connection(channel.detach())

    def report(what: Report) -> None:
        with suppress(OSError):
            pipe.send(what)

    systemd.send = report
    loop.run_part(report)
