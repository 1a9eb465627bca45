"""The opened file: whether the SQLite file that a process has open is the one that is at its path.

When a backup is put back while the process runs, its connections keep the file that is gone, and
new ones open the new one: it would read one history and write another.
"""

from __future__ import annotations

import os
from pathlib import Path

from incidents.errors import DatabaseError

_NONE = -1


class ReplacedError(DatabaseError):
    """the file {file} was replaced or removed while this process had it open: start it again"""


class UnseenError(DatabaseError):
    """the file {file} cannot be looked at: {why}"""

    # It may pass: the next transaction looks again.


class OpenedFile:
    """The file of one engine, by its path; all of the engine's connections are to the same one."""

    def __init__(self, file: Path) -> None:
        self._file = os.fspath(file)
        self._device = self._inode = _NONE

    def look(self) -> None:
        """Compare it with what is there now: when a connection is made, and in each transaction.

        Raises:
            ReplacedError: if another file is there, or none.
            UnseenError: if nobody can tell now, since the disk does not say.
        """
        try:
            found = os.stat(self._file)  # noqa: PTH116 - a third of the time of Path.stat
        except (FileNotFoundError, NotADirectoryError, ValueError):
            # None, or none by such a name: who has none open yet is told so by SQLite.
            device = inode = _NONE
        except OSError as error:
            if self._inode == _NONE:
                return
            raise UnseenError(file=self._file, why=error.strerror or str(error)) from error
        else:
            device, inode = found.st_dev, found.st_ino
        if inode == self._inode and device == self._device:
            return
        if self._inode != _NONE:
            raise ReplacedError(file=self._file)
        self._device, self._inode = device, inode

    def forget(self) -> None:
        """All connections are closed: whatever is there may be opened."""
        self._device = self._inode = _NONE
