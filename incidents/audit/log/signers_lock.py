"""The signers' lock: at most one process signs the log at a time, and only in one place.

A place is the folder of a key. The lock file holds the id by which the log knows this place, and
the last holder of the lock. The id is valid only in the file to which it was written, which is
recognised by its inode number and its birth time. A copy of the folder is therefore another place,
so the original and the copy cannot sign two histories. The place stays the same if the disk is
mounted elsewhere or the file's owner changes.

Limits: a clone of the whole disk (a snapshot, an image) and a copy of the folder by hard links
count as the same place. Where the file system has no birth times, only the inode number counts.
"""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from incidents.errors import FileError, IncidentsError, RefusedError
from incidents.system import disk, private_file
from incidents.system.private_file import birth_time

SUFFIX = ".signed.lock"
PATIENCE_S = 5.0
"""How many seconds to wait for another process that signs; a signature takes milliseconds."""

_MOST_BYTES = 1_000
_UNKNOWN, _SOMEBODY = "-", "another process"


class HeldError(IncidentsError):
    """no checkpoint was signed: {file} is in use, last by {holder}.
    If that process hangs, end it"""


class SignsElsewhereError(RefusedError):
    """the last signature is kept beside another key file than {file}. Check that
    INCIDENTS_AUDIT_KEY matches the daemon that signs. Only if that machine or folder is lost for
    good: incidents recover --sign-here --reason R"""


@contextmanager
def held(key_file: Path, patience_s: float = PATIENCE_S) -> Iterator[str]:
    """Hold the lock, so that nobody else signs beside this file; yield the place's id in the log.

    Raises:
        HeldError: if another process holds the lock for longer than `patience_s`.
        FileError: if the lock file cannot be read or written.
    """
    file = lock_file(key_file)
    with ExitStack() as stack:
        try:
            owner = disk.owner_beside(key_file)
            opened = stack.enter_context(disk.locked(file, patience_s, owner))
            place = _own_id(opened)
        except BlockingIOError as error:
            raise HeldError(holder=_holder(file), file=file) from error
        except OSError as error:
            raise file_error(file, key_file, "written", error) from error
        yield place


def place_id(key_file: Path) -> str | None:
    """The id by which the log knows this place; None if the place has no id, as in a copy.

    Raises:
        FileError: if the lock file cannot be read.
    """
    file = lock_file(key_file)
    try:
        with os.fdopen(disk.open_own(file), "rb") as opened:
            return _id(opened)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise file_error(file, key_file, "read", error) from error


def check(key_file: Path, place: str | None, known: str | None) -> None:
    """Check that `place` is the place where the log is signed, `known`; None allows any place.

    Raises:
        SignsElsewhereError: if the log is signed in another place.
    """
    if known not in (None, place):
        raise SignsElsewhereError(file=key_file)


def file_error(file: Path, key_file: Path, done: str, error: OSError) -> FileError:
    """The error for a file beside the key file that cannot be `done`, with the remedy."""
    why = error.strerror or str(error)
    if isinstance(error, PermissionError):
        why += private_file.ownership_fix(file, key_file)
    return FileError(file=file, done=done, detail=why)


def lock_file(key_file: Path) -> Path:
    """The path of the lock file, beside the key file."""
    return key_file.with_name(key_file.name + SUFFIX)


def _own_id(opened: BinaryIO) -> str:
    """Return the place's id, new if there is none, and record this process as the lock's holder."""
    first, _ = _lines(opened)
    found = _id(opened)
    own = found or secrets.token_hex(8)
    place = first if found else f"{own} {' '.join(_marks(opened))}"
    opened.seek(0)
    opened.write(f"{place}\nprocess {os.getpid()} on {socket.gethostname()}\n".encode())
    opened.truncate()
    if found is None:
        os.fsync(opened.fileno())
    return own


def _id(opened: BinaryIO) -> str | None:
    first, _ = _lines(opened)
    own, *marks = first.split(" ")
    here = _marks(opened)
    if not own or len(marks) != len(here):
        return None
    # A mark that is not known, or was not when the id was written, is not compared.
    same = (_UNKNOWN in pair or pair[0] == pair[1] for pair in zip(marks, here, strict=True))
    return own if all(same) else None


def _marks(opened: BinaryIO) -> list[str]:
    """The marks that distinguish this file from a copy: its inode number and its birth time."""
    handle = opened.fileno()
    made = birth_time(handle)
    return [str(os.fstat(handle).st_ino), _UNKNOWN if made is None else str(made)]


def _holder(file: Path) -> str:
    with suppress(OSError), os.fdopen(disk.open_own(file), "rb") as opened:
        return _lines(opened)[1] or _SOMEBODY
    return _SOMEBODY


def _lines(opened: BinaryIO) -> tuple[str, str]:
    opened.seek(0)
    first, _, rest = opened.read(_MOST_BYTES).decode(errors="replace").partition("\n")
    return first, rest.strip()
