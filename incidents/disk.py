"""The disk: a file that is whole or not there, a name that outlives a crash, when it was made; and
who has it to themselves."""

from __future__ import annotations

import ctypes
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, ClassVar

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


def born(handle: int) -> int | None:
    """When the open file was made, in nanoseconds by the clock of its disk, which no copy of it can
    have and nothing changes; None where nobody can tell (an older NFS client, an old ext4)."""
    found = _Statx()
    try:
        done = ctypes.CDLL(None).statx(handle, b"", _OF_HANDLE, _BORN, ctypes.byref(found))
    except (AttributeError, OSError):
        # No Linux, or one of before: others say it in the common way.
        at_s = getattr(os.fstat(handle), "st_birthtime", None)
        return None if at_s is None else round(at_s * 1_000_000_000)
    if done != 0 or not found.mask & _BORN:
        return None
    return int(found.born_s) * 1_000_000_000 + int(found.born_ns)


_OF_HANDLE, _BORN = 0x1000, 0x800


class _Statx(ctypes.Structure):
    """What statx(2) fills, as far as it is needed: Python 3.11 does not ask it."""

    _fields_: ClassVar = [
        ("mask", ctypes.c_uint32), ("_to_born", ctypes.c_uint8 * 76),
        ("born_s", ctypes.c_int64), ("born_ns", ctypes.c_uint32), ("_rest", ctypes.c_uint8 * 164),
    ]  # fmt: skip
