"""The disk: a file that is whole or not there, and a name that outlives a crash."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_whole(file: Path, parts: Iterable[bytes]) -> None:
    """Writes a file that gets its name when all of it is on disk; what had it before is replaced.

    Raises:
        OSError: if the disk does not do its part; what stood there before stands there still.
    """
    unfinished = file.with_name(f".{file.name[:200]}.{secrets.token_hex(4)}")
    try:
        with unfinished.open("xb") as stream:
            stream.writelines(parts)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    sync(file.parent)


def sync(path: Path) -> None:
    """What was written to a file is on disk, or in a folder the names that it has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
