"""A file that is written whole or not at all: it gets its name only when all of it is on disk."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from incidents import disk
from incidents.cli.characters import visible
from incidents.cli.params import file_name
from incidents.cli.run import answering, is_terminal
from incidents.errors import FileError, InputError

STANDARD_OUTPUT = "-"


def write(target: str, parts: Iterable[bytes], mode: int = disk.PRIVATE) -> None:
    """Write the parts to the file `target`, or to standard output for `-`.

    The file has that mode, by default for its owner alone. What is no ordinary file (a pipe, a
    device) is written to as it is.

    Raises:
        InputError: if `target` cannot be a file.
        FileError: if it cannot be written; what stood there before stands there still.
    """
    if target == STANDARD_OUTPUT:
        with answering():
            sys.stdout.buffer.writelines(_shown(parts) if is_terminal(sys.stdout) else parts)
            sys.stdout.buffer.flush()
        return
    file = Path(file_name(target))
    try:
        if file.is_dir():
            raise InputError(f"{target} is a folder: name a file in it")
        if link := disk.link_of_another(file):
            raise InputError(f"{link} is a link that another user has made: name another file")
        if file.exists() and not file.is_file():
            # Never an ordinary one that has come into its place: that would be cut short.
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CLOEXEC), "wb") as stream:
                stream.writelines(parts)
        else:
            # A link stays one, and points to the new file.
            disk.write_whole(file.resolve(), parts, mode)
    except OSError as error:
        raise FileError(file=target, done="written", detail=error.strerror or str(error)) from error
    except RuntimeError as error:
        # What pathlib says of links that lead round in a circle (Python 3.11 and 3.12).
        raise FileError(file=target, done="written", detail="its links lead in a circle") from error


def _shown(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What a terminal is given in their place: nothing in it makes the terminal lie."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    for part in parts:
        yield visible(decoder.decode(part)).encode()
