"""The limits of a child that works on what anybody may have sent: its memory and its time."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

MAX_BYTES = 256 << 20
"""The limit of the child's memory."""
MAX_PROCESSOR_S = 2.0
"""The limit of its processor time for one piece of work, in seconds."""
WITHIN_S = 30.0
"""The maximum time to wait for one piece of work, in seconds."""
OUT_OF_MEMORY = 12
"""The exit status of a child that has used up its memory."""


def limit_memory() -> None:
    """Limit the memory of this process; raises OSError or ValueError if that is not allowed."""
    with suppress(OSError):
        os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MAX_BYTES if hard == resource.RLIM_INFINITY else min(MAX_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


@contextmanager
def limited() -> Iterator[None]:
    """Limit a piece of work: without time or memory left, this process ends."""
    signal.setitimer(signal.ITIMER_PROF, MAX_PROCESSOR_S)
    try:
        yield
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def reason(status: int) -> str:
    """Why the work cannot be done, by the way in which it ended the child: a code."""
    if status in (-signal.SIGPROF, -signal.SIGKILL):
        return "slow"
    return "memory" if status == OUT_OF_MEMORY else "crashed"
