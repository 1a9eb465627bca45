"""The file of a SQLite database: whether it opens, whether it is unchanged, and who writes next.

When a backup is restored while the process runs, old connections have the old file open, and new
connections the new file: the process would read one history and write another.

SQLite gives its write lock to the process that happens to try at the right moment, and a waiting
process sleeps for up to 100 ms between attempts: a process that wrote continuously kept a daemon
waiting for four seconds. Therefore the processes here queue for a turn, and mostly only the process
that has the turn tries often.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import random
import shlex
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from incidents.errors import Cause, DatabaseError


def open_uri(file: Path) -> str:
    """The SQLite URI that opens an existing file.

    Even to read, SQLite writes files beside the database. On a read-only medium it need not, unless
    another machine has the file open for writing: then the log and the shared memory are beside it.
    """
    if not is_read_only(file):
        return "mode=rw"
    return "mode=ro" if _beside(file) else "immutable=1"


def is_read_only(file: Path) -> bool:
    """Whether the file exists on a read-only disk."""
    try:
        return bool(os.statvfs(file).f_flag & os.ST_RDONLY)
    except (OSError, ValueError):
        return False


def obstacle(file: Path) -> Cause | None:
    """The reason why the file cannot be opened or written on its medium, with the remedy."""
    if is_read_only(file):
        beside = _beside(file)
        if len(beside) == 1:
            return Cause.of("read_only_beside", _BESIDE, file=file, beside=beside[0])
        return Cause.of("read_only_disk", _READ_ONLY, file=file)
    folder = file.absolute().parent
    if not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return None
    facts = {"folder": folder, "file": file.name}
    if folder.stat().st_uid == os.geteuid():
        # The file is already theirs.
        closed = [] if os.access(file, os.W_OK, effective_ids=True) else [file.absolute()]
        run = shlex.join(["chmod", "u+rwX", *map(str, [folder, *closed])])
        return Cause.of("folder_closed", _CLOSED + "{run}", **facts, run=run)
    owner = _owner(folder)
    sentence = _CLOSED + "run this as {owner}, or give your user access to the folder"
    return Cause.of("folder_of_another", sentence, **facts, owner=owner)


_BESIDE = (
    "the file {file} is on a read-only disk, with {beside} beside it, and cannot be read there:"
    " copy both to a folder that you can write"
)
_READ_ONLY = "the file {file} is on a read-only disk: you can read it, but not record anything"
_CLOSED = "you cannot write to the folder {folder}, which SQLite needs even to read {file}: "


def _beside(file: Path) -> list[str]:
    """The files that SQLite keeps beside a database that is open or was not closed properly."""
    both = (f"{file}-wal", f"{file}-shm")
    # A name may be too long for a look-up; Path.exists would raise.
    return [os.path.basename(each) for each in both if os.path.exists(each)]  # noqa: PTH110, PTH119


def _owner(folder: Path) -> str:
    owner = folder.stat().st_uid
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"the user {owner}"


_NONE = -1


class ReplacedError(DatabaseError):
    """the file {file} was replaced or removed while this process had it open: restart it"""


class UnseenError(DatabaseError):
    """cannot check the file {file}: {why}"""

    # The problem may be temporary: the next transaction checks again.


class OpenedFile:
    """The file of one engine, at its path; all connections of the engine have this file open."""

    def __init__(self, file: Path) -> None:
        self._file = os.fspath(file)
        self._device = self._inode = _NONE

    def look(self) -> None:
        """Compare the open file with the file at the path, for each connection and transaction.

        Raises:
            ReplacedError: if the file there is a different one, or missing.
            UnseenError: if the disk does not answer.
        """
        try:
            found = os.stat(self._file)  # noqa: PTH116 - a third of the time of Path.stat
        except (FileNotFoundError, NotADirectoryError, ValueError):
            # No file, or an impossible name: without an open file, SQLite reports that itself.
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
        """Accept any file again, once all connections are closed."""
        self._device = self._inode = _NONE


# The first in the queue tries this often; after a while, and if others are next, less often.
_FAST_RETRY_S = (0.0001, 0.0004)
_SLOW_RETRY_S = (0.0005, 0.0015)
_FAST_RETRIES_FOR_S = 0.2
# A turn ends after this, for example if its process is stopped: it is no real lock.
_MAX_TURN_S = 0.1


def begin_write(connection: sqlite3.Connection, file: str, *, wait_s: float) -> bool:
    """Begin a transaction that writes; False if the file stays locked for about `wait_s` seconds.

    The connection's own busy timeout must be 0. Any error but a locked file returns False at once.
    """
    with _write_turn(f"{file}-wal"):
        for pause_s in _pauses(wait_s, _FAST_RETRY_S):
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                    return False
            else:
                return True
            time.sleep(pause_s)
    return False


@contextmanager
def _write_turn(file: str) -> Iterator[None]:
    """Hold the turn to write; continue without it if its file is missing or the wait is too long.

    The lock is on the write-ahead log, which exists beside every database in use. SQLite has no
    locks of its own on that file, which closing it would release.
    """
    try:
        held = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        held = None
    if held is None:
        yield
        return
    try:
        for pause_s in _pauses(_MAX_TURN_S, _SLOW_RETRY_S):
            if _try_lock(held):
                break
            time.sleep(pause_s)
        yield
    finally:
        # This also ends the turn.
        os.close(held)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # The file system has no such locks.
        return True
    return True


def _pauses(in_all_s: float, often_s: tuple[float, float]) -> Iterator[float]:
    """Yield pauses between attempts, without reading the time: a simulated clock may be frozen."""
    slept_s = 0.0
    while slept_s < in_all_s:
        pause_s = random.uniform(*(often_s if slept_s < _FAST_RETRIES_FOR_S else _SLOW_RETRY_S))  # noqa: S311 - no secret
        yield pause_s
        slept_s += pause_s
