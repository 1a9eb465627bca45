"""The running programs: what the processes of a daemon know of the programs that one of them runs.

A process that dies cannot end its programs, so another one does. Otherwise a program would carry
out an order while its next attempt does.
"""

from __future__ import annotations

import os
import signal
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from mmap import PAGESIZE, mmap
from pathlib import Path
from threading import Lock

_PLACE = struct.Struct("=QQ")
"""A program's process ID, and when it started; no two processes ever have both in common."""
_FREE = (0, 0)
_STARTED = 19
"""The place of `starttime` among the fields of /proc/PID/stat after the name."""


class RunningPrograms:
    """The programs that one process runs, in memory that it shares with its copies.

    It is made before the copies are, and only one of them may list programs. Those beyond some
    thousand are not listed, and none where there is no /proc. If the first process of a daemon is
    killed, nobody ends them but the service manager.
    """

    def __init__(self) -> None:
        self._memory = mmap(-1, 16 * PAGESIZE)
        self._lock = Lock()

    @contextmanager
    def listed(self, pid: int) -> Iterator[None]:
        """List a program, which leads a process group, while it runs."""
        place = self._take(pid, started(pid))
        try:
            yield
        finally:
            if place is not None:
                _PLACE.pack_into(self._memory, place, *_FREE)

    def kill(self) -> list[int]:
        """Kill the listed programs with their process groups; return their process IDs.

        Only after the process that runs them has ended.
        """
        killed = []
        for place in range(0, len(self._memory), _PLACE.size):
            pid, since = _PLACE.unpack_from(self._memory, place)
            if since and started(pid) == since:
                # It has just ended, or is another user's (sudo).
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                    killed.append(pid)
            if pid:
                _PLACE.pack_into(self._memory, place, *_FREE)
        return killed

    def _take(self, pid: int, since: int) -> int | None:
        with self._lock:
            for place in range(0, len(self._memory), _PLACE.size):
                if _PLACE.unpack_from(self._memory, place) == _FREE:
                    _PLACE.pack_into(self._memory, place, pid, since)
                    return place
        return None


def started(pid: int) -> int:
    """When a process started, in clock ticks after the system did; 0 if there is no such one."""
    try:
        # The name in it is cut at fifteen bytes, perhaps within a character.
        fields = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(fields.rpartition(b")")[2].split()[_STARTED])


RUNNING = RunningPrograms()
"""The programs of this process, or of the one that it is a copy of."""
