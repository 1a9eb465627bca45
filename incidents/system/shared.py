"""The shared value: what a process and its copies (`os.fork`) have in common, in memory alone.

It is made before the copies are. A process that dies lets go of its locks, and leaves the value as
it was before.
"""

from __future__ import annotations

import copy
import errno
import fcntl
import os
import pickle
import struct
import threading
import time
import weakref
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

Value = TypeVar("Value")

_POLL_S = 0.02
_AGAIN_S = 0.001
_HEAD = struct.Struct("=QI")
"""Of the pickled value: its length, and its CRC-32."""
_AT_ONCE = 4_096


class SharedLock:
    """A lock between all threads of a process and of its copies."""

    def __init__(self) -> None:
        self.file = os.memfd_create("incidents")
        # Locks of a file are a process's, not a thread's.
        self._thread = threading.Lock()
        weakref.finalize(self, os.close, self.file)

    def acquire(self, timeout_s: float) -> bool:
        """Take the lock, and return whether it was free within that time."""
        until = time.monotonic() + timeout_s
        if not self._thread.acquire(timeout=timeout_s):
            return False
        while True:
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except (BlockingIOError, PermissionError):
                if time.monotonic() >= until:
                    self._thread.release()
                    return False
                time.sleep(_POLL_S)

    def release(self) -> None:
        """Let go of the lock; any thread of the process that took it may."""
        fcntl.lockf(self.file, fcntl.LOCK_UN)
        self._thread.release()

    @contextmanager
    def held(self) -> Iterator[int]:
        """Hold the lock, however long it takes to get it; yield its file."""
        with self._thread:
            self._wait()
            try:
                yield self.file
            finally:
                fcntl.lockf(self.file, fcntl.LOCK_UN)

    def _wait(self) -> None:
        while True:
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX)
                return
            except OSError as error:
                # The kernel knows processes only. It takes it for a deadlock that two wait for each
                # other, though in each another thread has the lock, and will let go of it.
                if error.errno != errno.EDEADLK:
                    raise
                time.sleep(_AGAIN_S)


class SharedValue(Generic[Value]):
    """A value that can be pickled, and is small: each use reads all of it."""

    def __init__(self, value: Value) -> None:
        self._first, self._lock = value, SharedLock()

    def get(self) -> Value:
        """Return a copy of the value."""
        with self._lock.held() as file:
            return self._read(file)

    @contextmanager
    def changing(self) -> Iterator[Value]:
        """Yield the value, and keep what was changed of it; nothing after an error."""
        with self._lock.held() as file:
            value = self._read(file)
            yield value
            kept = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
            os.pwrite(file, _HEAD.pack(len(kept), zlib.crc32(kept)) + kept, 0)

    def _read(self, file: int) -> Value:
        # Each call to the system lets another thread go on first: mostly this one is enough.
        found = os.pread(file, _AT_ONCE, 0)
        if not found:
            return copy.deepcopy(self._first)
        length, digest = _HEAD.unpack_from(found)
        kept = found[_HEAD.size : _HEAD.size + length]
        if length > len(kept):
            kept = os.pread(file, length, _HEAD.size)
        # It is not whole if a process was killed while it wrote.
        if zlib.crc32(kept) != digest:
            return copy.deepcopy(self._first)
        value: Value = pickle.loads(kept)  # noqa: S301 - only this program writes it
        return value
