"""The opened file: whether the SQLite file that a process has open is the one that is at its path.

When a backup is put back while the process runs, its connections keep the file that is gone, and
new ones open the new one: it would read one history and write another.
"""

from __future__ import annotations

import os
from pathlib import Path

from incidents.errors import DatabaseError


class ReplacedError(DatabaseError):
    """the file {file} was replaced or removed while this process had it open: start it again"""


class OpenedFile:
    """The file of one engine, by its path; all of the engine's connections are to the same one."""

    def __init__(self, file: Path) -> None:
        self._file = os.fspath(file)
        self._known: tuple[int, int] | None = None

    def look(self) -> None:
        """Compare it with what is there now: when a connection is made, and in each transaction.

        Raises:
            ReplacedError: if another file is there, or none.
        """
        found = self._found()
        if self._known is None:
            self._known = found
        elif found != self._known:
            raise ReplacedError(file=self._file)

    def forget(self) -> None:
        """All connections are closed: whatever is there may be opened."""
        self._known = None

    def _found(self) -> tuple[int, int] | None:
        """The device and the inode; None where there is no file, or none by such a name."""
        try:
            found = os.stat(self._file)  # noqa: PTH116 - a third of the time of Path.stat
        except (OSError, ValueError):
            return None
        return found.st_dev, found.st_ino
