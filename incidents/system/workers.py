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
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from incidents import log
from incidents.system.child_process import ChildProcess
from incidents.system.handed_socket import Handed

STOP_S = 10.0
"""How long a worker may take to end after a signal; then it is killed."""

LOOK_S = 1.0
"""How often to check whether the work can go on, in seconds."""

PASSED_OVER_S = 5.0
"""A worker that has not been heard for so long gets no connections, while another can take them."""

_STOPPING = (signal.SIGTERM, signal.SIGINT)
_WATCHED = (*_STOPPING, signal.SIGCHLD)

_log = log.logger("workers")

Serve = Callable[[socket.socket], object]
"""Serves the connections of a listening socket until SIGTERM."""


def _start(worker: ChildProcess, serve: Serve, opened: socket.socket) -> None:
    def work(channel: socket.socket) -> None:
        signal.set_wakeup_fd(-1)
        for number in _WATCHED:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        opened.close()
        # Ctrl-C reaches all processes of the terminal's group: the parent tells this one.
        os.setpgid(0, 0)
        serve(Handed(fileno=channel.detach()))

    # Else one that comes before the copy has its own handlers would be the parent's there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _WATCHED)
    try:
        worker.start(work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
    children = [ChildProcess(f"serve-worker-{n}", _log.error) for n in range(1, workers + 1)]
    with _signals() as received:
        try:
            # From here on signals come here; copies of a process that is to stop would end at once.
            if not is_stopped():
                _watch(serve, opened, children, received, check)
        finally:
            opened.close()
            _end(children, received)


def _watch(
    serve: Serve, opened: socket.socket, workers: list[ChildProcess], received: socket.socket,
    check: Callable[[], object],
) -> None:  # fmt: skip
    turns = deque(workers)
    while True:
        check()
        for worker in workers:
            if worker.is_due:
                _start(worker, serve, opened)
        takes_any = any(worker.pid is not None for worker in workers)
        ready, _, _ = select.select([received, opened] if takes_any else [received], [], [], LOOK_S)
        if received in ready and not set(_STOPPING).isdisjoint(received.recv(4096)):
            return
        if opened in ready:
            _give(opened, turns)
        for worker in workers:
            worker.check(partial(_read_beats, worker))


def _read_beats(worker: ChildProcess) -> None:
    # Nothing has come, or the worker has ended.
    with suppress(OSError):
        if worker.channel.recv(4096):
            worker.heard()


def _give(opened: socket.socket, turns: deque[ChildProcess]) -> None:
    """Give the next connection to the worker whose turn it is, or to the next that takes it."""
    try:
        connection, _ = opened.accept()
    except OSError:
        # The peer has gone meanwhile.
        return
    with connection:
        # A worker that hangs would take connections until it is killed.
        for worker in sorted(turns, key=lambda each: each.silent_s() > PASSED_OVER_S):
            with suppress(OSError):
                if worker.pid is not None:
                    socket.send_fds(worker.channel, [b"."], [connection.fileno()])
                    break
        turns.rotate(-1)


def _end(workers: list[ChildProcess], received: socket.socket) -> None:
    """End the workers; another signal goes to them, and the time limit kills them."""
    for worker in workers:
        worker.signal(signal.SIGTERM)
    until = time.monotonic() + STOP_S
    while left := [worker for worker in workers if not worker.has_ended()]:
        ready, _, _ = select.select([received], [], [], max(0.0, until - time.monotonic()))
        for number in received.recv(4096) if ready else ():
            if number in _STOPPING:
                for worker in left:
                    worker.signal(number)
        if not ready:
            for worker in left:
                worker.kill("a process did not stop: it is killed")
            until = time.monotonic() + LOOK_S


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Write the signals that come to a socket, in place of what else they would do."""
    received, written = socket.socketpair()
    received.setblocking(False)
    written.setblocking(False)
    kept = {number: signal.signal(number, lambda *_: None) for number in _WATCHED}
    before = signal.set_wakeup_fd(written.fileno())
    with received, written:
        try:
            yield received
        finally:
            signal.set_wakeup_fd(before)
            for number, handler in kept.items():
                signal.signal(number, handler)
