"""Copies of this process, which `os.fork` makes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable


def begin(work: Callable[[], object]) -> int:
    """Start a copy that does the work, and answer its pid; it ends with 0 if nothing is raised."""
    with warnings.catch_warnings():
        # Newer Pythons warn of the threads that this process has, such as a test runner's.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        return pid
    try:
        work()
        os._exit(0)
    finally:
        os._exit(1)


def done(work: Callable[[], object]) -> int:
    """The exit status of a copy that does the work; negative if a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(begin(work), 0)[1])
