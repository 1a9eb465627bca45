"""A file that is written whole or not at all: it gets its name only when all of it is on disk."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path

from incidents.errors import FileError, InputError

STANDARD_OUTPUT = "-"


def write(target: str, parts: Iterable[bytes]) -> None:
    """Write the parts to the file `target`, or to standard output for `-`.

    What is no ordinary file (a pipe, a device) is written to as it is.

    Raises:
        InputError: if `target` cannot be a file.
        FileError: if it cannot be written; what stood there before stands there still.
    """
    if target == STANDARD_OUTPUT:
        sys.stdout.buffer.writelines(parts)
        sys.stdout.buffer.flush()
        return
    file = Path(target)
    if file.is_dir():
        raise InputError(f"{target} is a folder: name a file in it")
    try:
        if file.exists() and not file.is_file():
            with file.open("wb") as stream:
                stream.writelines(parts)
        else:
            # A link stays one, and points to the new file.
            _write_whole(file.resolve(), parts)
    except OSError as error:
        raise FileError(file=target, done="written", detail=error.strerror or str(error)) from error


def _write_whole(file: Path, parts: Iterable[bytes]) -> None:
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
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    """The new name, too, must outlive a crash."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
