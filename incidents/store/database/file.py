"""The file of a SQLite database: what its disk allows, and whether it is still at its path.

When a backup is put back while the process runs, its connections keep the file that is gone, and
new ones open the new one: it would read one history and write another.
"""

from __future__ import annotations

import os
import pwd
import shlex
from pathlib import Path

from incidents.errors import DatabaseError


def way_to_open(file: Path) -> str:
    """How to open a file that is there, as SQLite takes it in a URI.

    Even to read, SQLite wants to write beside it. On a read-only medium it need not, if nobody has
    the file open where it can be written: whoever has, has the log and the shared memory beside it.
    """
    if not is_read_only(file):
        return "mode=rw"
    return "mode=ro" if _beside(file) else "immutable=1"


def is_read_only(file: Path) -> bool:
    """Whether the file is there, on a disk of which nothing can be written."""
    try:
        return bool(os.statvfs(file).f_flag & os.ST_RDONLY)
    except (OSError, ValueError):
        return False


def obstacle(file: Path) -> str | None:
    """Why it cannot be opened or written, and the way out; None if the medium is not the reason."""
    if is_read_only(file):
        beside = _beside(file)
        if len(beside) == 1:
            return (
                f"the file {file} is on a read-only disk, with {beside[0]} beside it, and cannot be"
                " read there: copy both to a folder that you can write"
            )
        return f"the file {file} is on a read-only disk: it can be read, and nothing recorded in it"
    folder = file.absolute().parent
    if not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return None
    told = f"you cannot write to the folder {folder}, which SQLite needs even to read {file.name}"
    if folder.stat().st_uid == os.geteuid():
        # It is theirs already.
        closed = [] if os.access(file, os.W_OK, effective_ids=True) else [file.absolute()]
        return f"{told}: {shlex.join(['chmod', 'u+rwX', *map(str, [folder, *closed])])}"
    return f"{told}: run this as {_owner(folder)}, or give your user access to the folder"


def _beside(file: Path) -> list[str]:
    """What SQLite has put beside a file that is open, or was not closed as it should be."""
    both = (f"{file}-wal", f"{file}-shm")
    # A name may be too long to be asked for; Path.exists would raise.
    return [os.path.basename(each) for each in both if os.path.exists(each)]  # noqa: PTH110, PTH119


def _owner(folder: Path) -> str:
    owner = folder.stat().st_uid
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"the user {owner}"


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
