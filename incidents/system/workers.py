"""The workers: copies of this process that serve its connections, started again when they end.

This process accepts the connections and gives them to the workers in turn: workers that all waited
at one socket would take what they can get, one perhaps all of it. Otherwise it only watches over
them, and has no connection to a database, which they would share. They end with it, however it
ends.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from incidents import log
from incidents.system.handed_socket import Handed
from incidents.system.parent_process import die_with

STOP_S = 10.0
"""How long a worker may take to end after a signal; then it is killed."""

LOOK_S = 1.0
"""How often to check whether the work can go on, in seconds."""

QUICK_S = 60.0
"""A worker that ended sooner than this is started again after a wait, each time twice as long."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_WATCHED = (*_STOPPING, signal.SIGCHLD)

_log = log.logger("workers")

Serve = Callable[[socket.socket], object]
"""Serves the connections of a listening socket until SIGTERM."""


class _Worker:
    """The place of a worker: its process and the channel to it, or the time of its next start."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.start_at = self._started_at = 0.0
        self._quick_ends = 0

    def start(self, serve: Serve, opened: socket.socket, others: list[_Worker]) -> None:
        """Start a process that serves what comes in at the listening socket.

        If there is no room for it now, it is tried again after a wait.
        """
        sys.stdout.flush()
        sys.stderr.flush()
        self._started_at, parent = time.monotonic(), os.getpid()
        ends: tuple[socket.socket, ...] = ()
        try:
            ends = self.channel, its_end = socket.socketpair()
            # Else one that comes before the copy has its own handlers would be the parent's there.
            with _held_back():
                self.pid = os.fork()
                if not self.pid:
                    signal.set_wakeup_fd(-1)
                    for number in _WATCHED:
                        signal.signal(number, signal.SIG_DFL)
        except OSError as error:
            for end in ends:
                end.close()
            self._wait()
            _log.error("a worker cannot be started", error=error)
            return
        if self.pid:
            its_end.close()
            self.channel.setblocking(False)
            return
        status = 1
        try:
            die_with(parent, "worker")
            for each in others:
                if each.pid is not None:
                    # With a copy of this end, another one would not see that the parent has ended.
                    each.channel.close()
            opened.close()
            # Ctrl-C reaches all processes of the terminal's group: the parent tells this one.
            os.setpgid(0, 0)
            serve(Handed(fileno=its_end.detach()))
            status = 0
        except BaseException as error:  # noqa: BLE001 - nothing of the parent's may run in a copy
            _log.error("a worker failed", error=error)
        finally:
            sys.stderr.flush()
            os._exit(status)

    def give(self, connection: socket.socket) -> bool:
        """Give the worker a connection, and return whether it could be given."""
        with suppress(OSError):
            return self.pid is not None and bool(
                socket.send_fds(self.channel, [b"."], [connection.fileno()])
            )
        return False

    def signal(self, number: int) -> None:
        """Send the worker a signal, if it runs."""
        if self.pid is not None:
            os.kill(self.pid, number)

    def ended(self) -> int | None:
        """Reap the worker if it has ended, and return its exit status."""
        pid, status = (0, 0) if self.pid is None else os.waitpid(self.pid, os.WNOHANG)
        if not pid:
            return None
        self.channel.close()
        self.pid = None
        self._wait()
        return os.waitstatus_to_exitcode(status)

    def _wait(self) -> None:
        now = time.monotonic()
        self._quick_ends = self._quick_ends + 1 if now - self._started_at < QUICK_S else 0
        doubled = FIRST_WAIT_S * 2 ** min(self._quick_ends - 1, 10)
        self.start_at = now + min(LONGEST_WAIT_S, doubled)


def run(
    serve: Serve, opened: socket.socket, workers: int, check: Callable[[], object] = lambda: None,
    is_stopped: Callable[[], bool] = lambda: False,
) -> None:  # fmt: skip
    """Serve the listening socket in that many processes, until SIGTERM or SIGINT stops them all.

    Each second `check` is called; an error of it ends the workers, and is raised. `is_stopped`:
    whether a signal came before this was called.
    """
    # What there is will not be looked through, and so not be copied for each worker.
    gc.freeze()
    opened.setblocking(False)
    places = [_Worker() for _ in range(workers)]
    with _signals() as came:
        try:
            # From here on signals come here; copies of a process that is to stop would end at once.
            if is_stopped():
                return
            _watch(serve, opened, places, came, check)
        finally:
            opened.close()
            _end(places, came)


def _watch(
    serve: Serve, opened: socket.socket, places: list[_Worker], came: socket.socket,
    check: Callable[[], object],
) -> None:  # fmt: skip
    turns = deque(places)
    while True:
        check()
        for place in places:
            if place.pid is None and time.monotonic() >= place.start_at:
                place.start(serve, opened, places)
        wanted = [came] if all(place.pid is None for place in places) else [came, opened]
        ready, _, _ = select.select(wanted, [], [], LOOK_S)
        if came in ready and not set(_STOPPING).isdisjoint(came.recv(4096)):
            return
        if opened in ready:
            _give(opened, turns)
        for place in places:
            pid = place.pid
            if (status := place.ended()) is not None:
                how = signal.Signals(-status).name if status < 0 else f"exit status {status}"
                _log.error("a worker ended", pid=pid, error=how)


def _give(opened: socket.socket, turns: deque[_Worker]) -> None:
    """Give the next connection to the worker whose turn it is, or to the next that takes it."""
    try:
        connection, _ = opened.accept()
    except OSError:
        # The peer has gone meanwhile.
        return
    with connection:
        for _ in range(len(turns)):
            turns.rotate(-1)
            if turns[-1].give(connection):
                return


def _end(places: list[_Worker], came: socket.socket) -> None:
    """End the workers; another signal goes to them, and the time limit kills them."""
    for place in places:
        place.signal(signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while [place for place in places if place.ended() is None and place.pid is not None]:
        ready, _, _ = select.select([came], [], [], max(0.0, until - time.monotonic()))
        numbers = [n for n in came.recv(4096) if n in _STOPPING] if ready else [signal.SIGKILL]
        for place in places:
            for number in numbers:
                place.signal(number)
        if not ready:
            until = time.monotonic() + LOOK_S


@contextmanager
def _held_back() -> Iterator[None]:
    """Let the signals that are watched come afterwards only."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Write the signals that come to a socket, in place of what else they would do."""
    came, written = socket.socketpair()
    came.setblocking(False)
    written.setblocking(False)
    kept = {number: signal.signal(number, lambda *_: None) for number in _WATCHED}
    before = signal.set_wakeup_fd(written.fileno())
    with came, written:
        try:
            yield came
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in kept.items():
                signal.signal(number, handler)
