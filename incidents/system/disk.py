"""The disk: files written completely or not at all, names that survive a crash, and locks.

A command run as root works in folders of the daemon's user, who may replace any file there. So root
writes only files that it has created or opened itself, and changes the owner of no other file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from incidents.errors import Cause, FileError

PRIVATE, PUBLIC = 0o600, 0o644
"""The modes of files: readable by their owner alone, or by everybody, whatever the umask."""

Owner = tuple[int, int]
"""The numeric ids of a user and a group."""

_PAUSE_S = 0.01
_NO_LINK = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@contextmanager
def file_errors(file: Path | str, done: str) -> Iterator[None]:
    """Raise each OSError as a FileError that says what cannot be `done` (read, written)."""
    try:
        yield
    except OSError as error:
        raise FileError(file=file, done=done, detail=error.strerror or str(error)) from error


def owner_beside(file: Path) -> Owner | None:
    """Return the owner for a file that root creates beside this file: the owner of this file.

    If this file is missing, return its folder's owner; if not root, return None, because only root
    can change owners. Raises OSError.
    """
    if os.geteuid() != 0:
        return None
    found = (file if file.exists() else file.parent).stat()
    return found.st_uid, found.st_gid


def write_whole(
    file: Path, parts: Iterable[bytes], mode: int = PRIVATE, owner: Owner | None = None
) -> None:
    """Write a complete file to disk, then give it its name, replacing any file of that name.

    The file gets that mode and owner, whatever the umask is, and whatever the replaced file has.
    """
    unfinished = file.with_name(f".{file.name[:200]}.{os.urandom(4).hex()}")
    try:
        with create_private(unfinished, owner) as stream:
            stream.writelines(parts)
            os.fchmod(stream.fileno(), mode)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(file)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    fsync_path(file.parent)


def create_private(file: Path, owner: Owner | None = None) -> BinaryIO:
    """Create a private file with that owner from the start, and open it for writing.

    Raises:
        FileExistsError: if the file exists.
        OSError: if the file cannot be created.
    """
    return open(_made(file, os.O_WRONLY, PRIVATE, owner), "wb")


def open_own(
    file: Path, *, make: bool = False, mode: int = PRIVATE, owner: Owner | None = None
) -> int:
    """Open a file that only this program writes, and return its descriptor.

    The file is open for reading or, with `make`, for reading and writing; with `make`, a missing
    file is created with that mode and owner.

    Raises:
        FileNotFoundError: if the file is missing, without `make`.
        OSError: if it is not a regular file, or cannot be opened; or if root would write a file
            that has another name as well, because nobody knows whose file that is.
    """
    while True:
        try:
            return _own(file, os.O_RDWR if make else os.O_RDONLY)
        except FileNotFoundError:
            if not make:
                raise
        # Another process may create it meanwhile.
        with suppress(FileExistsError):
            return _made(file, os.O_RDWR, mode, owner)


def set_aside(file: Path, suffix: str) -> Path:
    """Rename a file with that suffix, for a person to inspect, and return the new path.

    A number follows the suffix if the name is taken. The same text is kept only once.

    Raises:
        OSError: if the file cannot be read or renamed.
    """
    text, aside = read(file), file.with_name(file.name + suffix)
    for n in count(2):
        try:
            # Reserve the name first: it may no longer be free at the replacement.
            create_private(aside).close()
        except FileExistsError:
            if read(aside) == text:
                file.unlink()
                break
            aside = file.with_name(f"{file.name}{suffix}-{n}")
        else:
            file.replace(aside)
            break
    fsync_path(file.parent)
    return aside


def resolve_links(file: Path) -> Path:
    """Resolve links of this name that this user or root has made, and return the target.

    Raises:
        OSError: if another user has made one of the links, or they lead in a circle.
    """
    seen: set[Path] = set()
    while file.is_symlink():
        if file in seen:
            raise OSError(errno.ELOOP, "its links lead in a circle")
        if file.lstat().st_uid not in (os.geteuid(), 0):
            raise OSError(errno.ELOOP, f"{file} is a link that another user has made")
        seen.add(file)
        file = file.parent / file.readlink()
    return file


def open_special(file: Path) -> BinaryIO:
    """Open a pipe, a device or the like for writing.

    Raises:
        OSError: if it is a file on a disk, or cannot be opened.
    """
    handle = os.open(file, os.O_WRONLY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ELOOP, "another file has come into its place")
    return os.fdopen(handle, "wb")


def check_opened_by_name(handle: int) -> None:
    """Check that this process has the descriptor's file open at least twice.

    This shows that a library that opens files only by name, such as SQLite, opened the same file.

    Raises:
        OSError: if the library opened a different file, because a link replaced the file.
    """
    own, found, handles = os.fstat(handle), 0, Path("/proc/self/fd")
    if not handles.is_dir():
        return
    for each in handles.iterdir():
        # The descriptor of this listing is already closed.
        with suppress(FileNotFoundError):
            found += os.path.samestat(each.stat(), own)
    if found < 2:
        raise OSError(errno.ELOOP, "another file has come into its place")


def read(file: Path) -> bytes:
    """Return the content of a file that only this program writes; raises `open_own`'s errors."""
    with os.fdopen(open_own(file), "rb") as stream:
        return stream.read()


def _own(file: Path, flags: int) -> int:
    try:
        handle = os.open(file, flags | _NO_LINK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(
                errno.ELOOP,
                Cause.of("a_link", "it is a link: remove it, and put the file itself there"),
                str(file),
            ) from error
        raise
    found, why, code = os.fstat(handle), None, errno.EMLINK
    if not stat.S_ISREG(found.st_mode):
        why, code = Cause.of("no_file_remove", "it is not a file: remove it"), errno.EISDIR
    elif flags != os.O_RDONLY and found.st_nlink > 1 and os.geteuid() == 0:
        why = Cause.of(
            "another_name",
            "the same file has another name as well: see whose it is, and remove the other name",
        )
    if why is not None:
        os.close(handle)
        raise OSError(code, why, str(file))
    return handle


def _made(file: Path, flags: int, mode: int, owner: Owner | None) -> int:
    handle = os.open(file, flags | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    if owner is not None:
        # Root may not change owners in some containers.
        with suppress(PermissionError):
            os.fchown(handle, *owner)
    return handle


def make_readable(folder: Path) -> None:
    """Make a folder readable by everybody; raises OSError, also for a link."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | _NO_LINK)
    try:
        os.fchmod(handle, 0o755)
    finally:
        os.close(handle)


def fsync_path(path: Path) -> None:
    """Flush a file's content, or the names in a folder, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def locked(file: Path, patience_s: float, owner: Owner | None = None) -> Iterator[BinaryIO]:
    """Hold a lock on this private file, which is created for that owner if missing.

    The file is open for reading and writing, without a buffer.

    Raises:
        BlockingIOError: if another process holds the lock for longer than `patience_s`.
        OSError: if the file is a link, or cannot be opened, or its disk has no locks.
    """
    with os.fdopen(open_own(file, make=True, owner=owner), "r+b", 0) as lock:
        # Attempts are counted, because a simulated clock may be frozen.
        for left in range(round(patience_s / _PAUSE_S), -1, -1):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not left:
                    raise
                time.sleep(_PAUSE_S)
        yield lock
