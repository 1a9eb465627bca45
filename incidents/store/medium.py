"""The medium: what the disk and the folder of a SQLite file let this program do with it."""

from __future__ import annotations

import os
import pwd
from pathlib import Path


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
    return (
        f"you cannot write to the folder {folder}, which SQLite needs even to read {file.name}: run"
        f" this as {_owner(folder)}, or give your user access to the folder"
    )


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
