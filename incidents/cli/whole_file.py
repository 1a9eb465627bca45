"""A file that is written whole or not at all: it gets its name only when all of it is on disk."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from incidents.cli.characters import visible
from incidents.cli.params import file_name
from incidents.cli.run import answering, is_terminal
from incidents.errors import FileError, InputError
from incidents.system import disk

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
        # A link stays one, and points to the new file.
        target_file = disk.behind_links(file)
        if file.exists() and not file.is_file():
            with disk.no_ordinary(file) as stream:
                stream.writelines(parts)
        else:
            disk.write_whole(target_file, parts, mode)
    except OSError as error:
        raise FileError(file=target, done="written", detail=error.strerror or str(error)) from error


def _shown(parts: Iterable[bytes]) -> Iterator[bytes]:
    """What a terminal is given in their place: nothing in it makes the terminal lie."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="backslashreplace")
    for part in parts:
        yield visible(decoder.decode(part)).encode()
