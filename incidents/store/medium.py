"""The medium: what the disk and the folder of a SQLite file let this program do with it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


def way_to_open(file: Path) -> str:
    """How to open a file that is there, as SQLite takes it in a URI.

    Even to read, SQLite wants to write beside it. On a read-only medium it need not, if nobody else
    can have the file open for writing either: then there is no write-ahead log beside it.
    """
    if not is_read_only(file):
        return "mode=rw"
    return "mode=ro" if _has_log(file) else "immutable=1"


def is_read_only(file: Path) -> bool:
    """Whether the file is there, on a disk of which nothing can be written."""
    try:
        return bool(os.statvfs(file).f_flag & os.ST_RDONLY)
    except (OSError, ValueError):
        return False


def obstacle(file: Path) -> str | None:
    """Why it cannot be opened or written, and the way out; None if the medium is not the reason."""
    if is_read_only(file):
        if _has_log(file):
            return (
                f"the file {file} is on a read-only disk, with a write-ahead log beside it that"
                f" cannot be read there: copy it and {file.name}-wal to a folder that you can write"
            )
        return f"the file {file} is on a read-only disk: it can be read, and nothing recorded in it"
    folder = file.absolute().parent
    if not folder.is_dir() or os.access(folder, os.W_OK | os.X_OK, effective_ids=True):
        return None
    return (
        f"you cannot write to the folder {folder}, which SQLite needs even to read {file.name}: run"
        f" this as {_owner(folder)}, or give your user access to the folder"
    )


def _has_log(file: Path) -> bool:
    try:
        return os.stat(f"{file}-wal").st_size > 0  # noqa: PTH116 - a name that may be too long
    except OSError:
        return False


def _owner(folder: Path) -> str:
    owner = folder.stat().st_uid
    try:
        return pwd.getpwuid(owner).pw_name
    except KeyError:
        return f"the user {owner}"
