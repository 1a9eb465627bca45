"""Private files: what this process makes is its owner's alone, and secrets are read from no other.

A group, and everybody else, may neither read nor write a private file (mode 0600).
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from incidents.system import disk

MOST_BYTES = 65_536
"""More than any key, token or password has: whoever names a wrong file, a device say, is told."""

_SHARED = stat.S_IRWXG | stat.S_IRWXO


def read(file: Path, most: int = MOST_BYTES) -> bytes:
    """What is in a private file.

    What is not a file on a disk, the pipe of a shell say, has no mode that means anything; what
    systemd hands to a service as a credential is that service's alone, by an access control list
    that looks like a group's.

    Raises:
        PermissionError: if others may read or write it; its `strerror` says what to do.
        OSError: if it cannot be read, or has more than `most` bytes.
    """
    with file.open("rb") as opened:
        mode = shared_mode(os.fstat(opened.fileno()))
        if mode is not None and not _is_credential(file):
            why = f"others can read it (mode {mode}): run chmod 600 {file}, and consider a new one"
            raise PermissionError(errno.EACCES, why, str(file))
        found = opened.read(most + 1)
    if len(found) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(file))
    return found


def shared_mode(found: os.stat_result) -> str | None:
    """The mode of a file that others than its owner may read or write, as chmod writes it."""
    if stat.S_ISREG(found.st_mode) and found.st_mode & _SHARED:
        return f"{stat.S_IMODE(found.st_mode):04o}"
    return None


def create(file: Path, text: str, owner: disk.Owner | None = None) -> None:
    """Writes a private file that was not there, of that owner, whole and on disk when this returns.

    Raises:
        FileExistsError: if there is such a file; it is left as it is.
        OSError: if it cannot be written.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        with disk.new(unfinished, owner) as opened:
            opened.write(text.encode())
            opened.flush()
            os.fsync(opened.fileno())
        # Unlike a rename it never takes the place of what is there.
        os.link(unfinished, file, follow_symlinks=False)
        disk.sync(file.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _is_credential(file: Path) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and file.parent == Path(str(folder))
