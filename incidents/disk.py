"""The disk: a file that is whole or not there, a name that outlives a crash, and a lock on it."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC = 0o600, 0o644
"""The modes of files: for their owner's eyes alone, or for everybody's, whatever the umask."""

_PAUSE_S = 0.01


def write_whole(file: Path, parts: Iterable[bytes], mode: int = PRIVATE) -> None:
    """Writes a file that gets its name when all of it is on disk; what had it before is replaced.

    It has that mode, whatever the umask and whatever the mode of what it replaces.

    Raises:
        OSError: if the disk does not do its part; what stood there before stands there still.
    """
    unfinished = file.with_name(f".{file.name[:200]}.{os.urandom(4).hex()}")
    try:
        with new(unfinished) as stream:
            stream.writelines(parts)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync(file.parent)


def new(file: Path) -> BinaryIO:
    """Opens a private file that was not there, to write to it.

    Raises:
        FileExistsError: if there is such a file.
        OSError: if it cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return open(os.open(file, flags, PRIVATE), "wb")  # noqa: PTH123 - of a handle


def sync(path: Path) -> None:
    """What was written to a file is on disk, or in a folder the names that it has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(file: Path, patience_s: float) -> Iterator[BinaryIO]:
    """While it lasts nobody else has locked this file, a private one, which is made where there is
    none; it is open to be read and written, without a buffer.

    Raises:
        BlockingIOError: if another has it for longer than `patience_s`.
        OSError: if it cannot be opened, or its disk has no locks.
    """
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
    with os.fdopen(os.open(file, flags, PRIVATE), "r+b", 0) as opened:
        # Counted, since a simulated clock may stand.
        for left in range(round(patience_s / _PAUSE_S), -1, -1):
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(_PAUSE_S)
        yield opened
