"""The signals that stop a daemon: blocked in all threads, and waited for by the main thread."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from incidents.daemon import journal

STOPPING = (signal.SIGTERM, signal.SIGINT)


def stop_signal(within_s: float) -> int | None:
    """Wait for a signal to stop, and return it; None if none arrives in time.

    Signals other than the stop signals are ignored: if a wait was interrupted (SIGSTOP, SIGCONT)
    and its time is up, CPython returns arbitrary memory.
    """
    received = signal.sigtimedwait(STOPPING, within_s)
    return received.si_signo if received is not None and received.si_signo in STOPPING else None


def end_at_once(received: int) -> None:
    """End this process by that signal, the second one that it received."""
    journal.warning("stopped immediately: the current batch is rolled back")
    signal.signal(received, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    os.kill(os.getpid(), received)


@contextmanager
def blocked_signals() -> Iterator[None]:
    """Block the stop signals in all threads, so that `sigtimedwait` receives them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
