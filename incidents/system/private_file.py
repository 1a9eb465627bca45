"""The private file: readable by its owner alone, with a check of its owner and age.

Neither the group nor others may read or write a private file (mode 0600).
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import struct
from contextlib import suppress
from pathlib import Path
from shlex import quote

from incidents.errors import Cause
from incidents.system import disk

MOST_BYTES = 65_536
"""A size that no key, token or password exceeds, so that a device, for example, is refused."""

_SHARED = stat.S_IRWXG | stat.S_IRWXO


def read(file: Path, most: int = MOST_BYTES) -> bytes:
    """Return the content of a private file.

    The mode of a pipe, or of anything else that is not a file on disk, is not checked, because it
    means nothing. A credential that systemd gives to a service is private by an access control
    list, which looks like permissions for a group.

    Raises:
        PermissionError: if others may read or write the file; its `strerror` gives the remedy.
        OSError: if the file cannot be read, or has more than `most` bytes.
    """
    with file.open("rb") as opened:
        mode = shared_mode(os.fstat(opened.fileno()))
        if mode is not None and not _is_credential(file):
            why = Cause.of(
                "others_can_read",
                "others can read it (mode {mode}): run chmod 600 {file}, and consider a new one",
                mode=mode,
                file=file,
            )
            raise PermissionError(errno.EACCES, why, str(file))
        found = opened.read(most + 1)
    if len(found) > most:
        raise OSError(
            errno.EFBIG,
            Cause.of("over_bytes", "it has more than {limit:,} bytes", limit=most),
            str(file),
        )
    return found


def shared_mode(found: os.stat_result) -> str | None:
    """The mode, as chmod writes it, of a file that others can read or write."""
    if stat.S_ISREG(found.st_mode) and found.st_mode & _SHARED:
        return f"{stat.S_IMODE(found.st_mode):04o}"
    return None


def create(file: Path, text: str, owner: disk.Owner | None = None) -> None:
    """Write a new private file of that owner, complete and on disk on return.

    Raises:
        FileExistsError: if the file exists; it stays unchanged.
        OSError: if it cannot be written.
    """
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            unfinished.unlink()
        with disk.create_private(unfinished, owner) as opened:
            opened.write(text.encode())
            opened.flush()
            os.fsync(opened.fileno())
        # Unlike a rename it never replaces a file.
        os.link(unfinished, file, follow_symlinks=False)
        disk.fsync_path(file.parent)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def _is_credential(file: Path) -> bool:
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    return bool(folder) and file.parent == Path(str(folder))


def ownership_fix(file: Path, key_file: Path) -> str:
    """Return the last part of a message: the command that makes the file accessible to this user.

    If the log's key belongs to another user, name that user to run as instead, because the key's
    owner must own the file. The part is empty if no remedy is known.
    """
    try:
        for folder in reversed(file.parents):
            if not os.access(folder, os.X_OK, effective_ids=True):
                return _of_folder(folder, file, key_file)
        found = file.lstat()
        key = (key_file if key_file.exists() else key_file.parent).stat()
    except OSError:
        return ""
    return _of_file(file, found, is_ours=key.st_uid == os.geteuid())


def _of_folder(folder: Path, file: Path, key_file: Path) -> str:
    owner, quoted = folder.stat().st_uid, quote(str(folder))
    if owner == os.geteuid():
        return f"; the folder {folder} cannot be entered. Type: chmod u+rwx {quoted}"
    if folder != file.parent:
        # It may be somebody's home folder, which must stay closed to others.
        return (
            f"; the folder {folder} is {_name(owner)}'s and cannot be entered: move {key_file} and"
            f" the files beside it into a folder of {_name(os.geteuid())}, and name it there with"
            " INCIDENTS_AUDIT_KEY"
        )
    name = _name(owner)
    return (
        f"; the folder {folder} belongs to {name}. If that is the wrong user, as root: chown -h"
        f" {_name(os.geteuid())} {quoted}"
    )


def _of_file(file: Path, found: os.stat_result, *, is_ours: bool) -> str:
    quoted, name = quote(str(file)), _name(found.st_uid)
    mode = "" if found.st_mode & stat.S_IRUSR and found.st_mode & stat.S_IWUSR else "chmod 0600"
    if found.st_uid == os.geteuid():
        return f"; its mode forbids it. Type: {mode} {quoted}" if mode else ""
    if not is_ours:
        return (
            f"; it belongs to {name}: run this as {name}. As root: runuser -u {name} -- incidents …"
        )
    also = f" && {mode} {quoted}" if mode else ""
    return f"; it belongs to {name}. As root: chown -h {_name(os.geteuid())} {quoted}{also}"


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def birth_time(handle: int) -> int | None:
    """Return the open file's creation time, in nanoseconds by its disk's clock; None if unknown.

    Older NFS clients and ext4 do not store it. Python 3.11 does not query it on Linux. Under
    libfaketime it differs from process to process.
    """
    if "FAKETIME" in os.environ:
        return None
    # Imported here, because nothing else in this module needs it.
    import ctypes

    found = ctypes.create_string_buffer(_STATX_BYTES)
    try:
        done = ctypes.CDLL(None).statx(handle, b"", _OF_HANDLE, _BORN, found)
    except (AttributeError, OSError):
        # Not Linux, or an old one; other systems have `st_birthtime`.
        at_s = getattr(os.fstat(handle), "st_birthtime", None)
        return None if at_s is None else round(at_s * 1_000_000_000)
    [mask] = struct.unpack_from("=I", found, 0)
    if done != 0 or not mask & _BORN:
        return None
    born_s, born_ns = struct.unpack_from("=qI", found, _BORN_AT)
    return int(born_s) * 1_000_000_000 + int(born_ns)


_OF_HANDLE, _BORN = 0x1000, 0x800
# The size of statx(2)'s result, and the time's place in it.
_STATX_BYTES, _BORN_AT = 256, 80
