"""The file of a SQLite database: whether it opens, is still there, and whose write turn it is.

When a backup is put back while the process runs, its connections keep the file that is gone, and
new ones open the new one: it would read one history and write another.

SQLite gives its one write lock to whoever asks at the right moment, and who waits for it sleeps for
up to 100 ms between two attempts: a process that writes one act after the other was seen to keep a
daemon waiting for four seconds. Here mostly one waits at a time, attentively, and the others behind
it.
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


def obstacle(file: Path) -> Cause | None:
    """Why it cannot be opened or written, and the way out; None if the medium is not the reason."""
    if is_read_only(file):
        beside = _beside(file)
        if len(beside) == 1:
            return Cause.of("read_only_beside", _BESIDE, file=file, beside=beside[0])
        return Cause.of("read_only_disk", _READ_ONLY, file=file)
    folder = file.absolute().parent
    if not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return None
    told = {"folder": folder, "file": file.name}
    if folder.stat().st_uid == os.geteuid():
        # It is theirs already.
        closed = [] if os.access(file, os.W_OK, effective_ids=True) else [file.absolute()]
        run = shlex.join(["chmod", "u+rwX", *map(str, [folder, *closed])])
        return Cause.of("folder_closed", _CLOSED + "{run}", **told, run=run)
    owner = _owner(folder)
    sentence = _CLOSED + "run this as {owner}, or give your user access to the folder"
    return Cause.of("folder_of_another", sentence, **told, owner=owner)


_BESIDE = (
    "the file {file} is on a read-only disk, with {beside} beside it, and cannot be read there:"
    " copy both to a folder that you can write"
)
_READ_ONLY = "the file {file} is on a read-only disk: you can read it, but not record anything"
_CLOSED = "you cannot write to the folder {folder}, which SQLite needs even to read {file}: "


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
    """the file {file} was replaced or removed while this process had it open: restart it"""


class UnseenError(DatabaseError):
    """cannot check the file {file}: {why}"""

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


# Who is next, asks this often; after a while, and where others are next, more seldom.
_NEXT_S = (0.0001, 0.0004)
_SELDOM_S = (0.0005, 0.0015)
_ATTENTIVE_S = 0.2
# Nobody's turn lasts for longer, if its process is stopped say: it is a courtesy, not a lock.
_COURTESY_S = 0.1


def begin_in_turn(connection: sqlite3.Connection, file: str, *, wait_s: float) -> bool:
    """Begins a transaction that writes; False if it still cannot after about `wait_s` seconds.

    The connection's own busy timeout must be 0. False at once if the file is not merely locked.
    """
    with _turn(f"{file}-wal"):
        for pause_s in _pauses(wait_s, _NEXT_S):
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
def _turn(file: str) -> Iterator[None]:
    """Holds the turn, or goes ahead without it where there is no such file, or nobody lets go.

    The write-ahead log lies beside every database in use, and SQLite has no locks of its own on
    it, which closing the file would lose.
    """
    try:
        held = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        held = None
    if held is None:
        yield
        return
    try:
        for pause_s in _pauses(_COURTESY_S, _SELDOM_S):
            if _took(held):
                break
            time.sleep(pause_s)
        yield
    finally:
        # And with it the turn.
        os.close(held)


def _took(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        # A file system that has no such locks.
        return True
    return True


def _pauses(in_all_s: float, often_s: tuple[float, float]) -> Iterator[float]:
    """Pauses that are slept after attempts; no clock is asked, since a simulated one may stand."""
    slept_s = 0.0
    while slept_s < in_all_s:
        pause_s = random.uniform(*(often_s if slept_s < _ATTENTIVE_S else _SELDOM_S))  # noqa: S311 - no secret
        yield pause_s
        slept_s += pause_s
