"""The parent process: a process that it forked ends with it, however it ends."""

from __future__ import annotations

import ctypes
import os
import signal

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15


def die_with(parent: int, name: str) -> None:
    """Let the kernel kill this process with its parent, and show its name in `ps` and `top`."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_PR_SET_NAME, name.encode())
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died before.
        os._exit(1)
