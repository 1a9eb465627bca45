"""The disk: a file that is whole or not there, and a name that outlives a crash."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

PRIVATE, PUBLIC = 0o600, 0o644
"""The modes of files: for their owner's eyes alone, or for everybody's, whatever the umask."""


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
