"""The evidence: attached files, each kept once under its SHA-256 until it may be deleted.

A file is stored at `aa/aabbcc…` in the folder, and shared by all incidents to which it is attached.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from incidents import clock
from incidents.errors import Cause, EmptyEvidenceError, EvidenceTooLargeError, FileError, InputError
from incidents.system import disk

FRESH = timedelta(days=1)
"""How long an attached file is never deleted, because its entry may not be committed yet."""

_PIECE = 2**20
_DIGEST = re.compile(r"[0-9a-f]{64}")
# A copy that is not whole yet, and a file on its way out; each is nobody's after a crash.
NEW, _GOING = ".new-", ".going-"


def measure(file: Path, *, limit: int) -> tuple[str, int]:
    """The file's SHA-256 in hexadecimal and its size in bytes.

    Raises:
        InputError: if there is no such file, or it is not a regular file.
        EvidenceTooLargeError: if the file has more than `limit` bytes.
        EmptyEvidenceError: if the file is empty.
        FileError: if the file cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    with _opened(file) as source:
        known = os.fstat(source.fileno()).st_size
        if known > limit:
            raise EvidenceTooLargeError(file=file, size=f"{known:,}", limit=f"{limit:,}")
        for piece in _pieces(source, file):
            size += len(piece)
            if size > limit:
                raise EvidenceTooLargeError(file=file, size=f"over {limit:,}", limit=f"{limit:,}")
            digest.update(piece)
    if size == 0:
        raise EmptyEvidenceError(file=file)
    return digest.hexdigest(), size


def keep(file: Path, digest: str, folder: Path) -> Path:
    """Store a copy of the file under its digest, complete and on disk when this returns.

    Raises:
        FileError: if the copy cannot be written, or the file has changed since it was measured.
    """
    kept = _place(folder, digest)
    if touched(kept):
        return kept
    with disk.file_errors(kept, "written"):
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=kept.parent, prefix=NEW)
        try:
            with os.fdopen(descriptor, "wb") as copy, _opened(file) as source:
                _copy(source, copy, digest, file)
            touched(Path(name))
            Path(name).replace(kept)
            _sync_folders(kept.parent, folder, folder.parent)
        except (OSError, FileError):
            Path(name).unlink(missing_ok=True)
            raise
    return kept


def kept(folder: Path, digest: str) -> Path | None:
    """The path of the stored file with that digest; None if it is not stored, or not any more."""
    if not _DIGEST.fullmatch(digest):
        return None
    found = _place(folder, digest)
    return found if found.is_file() else None


def may_go(folder: Path, digest: str, now: datetime) -> bool:
    """Whether the file is stored, and was attached long enough ago to delete it (see FRESH)."""
    return not _is_fresh(_place(folder, digest), now)


def delete(folder: Path, digest: str, now: datetime) -> bool:
    """Delete the file if it `may_go`; return whether this call deleted it.

    The file is renamed first and checked again. A process that attaches the same file meanwhile
    either finds it gone and makes another copy, or has touched it; in that case it is put back.

    Raises:
        FileError: if the file cannot be deleted.
    """
    kept = _place(folder, digest)
    going = kept.with_name(f"{_GOING}{digest}")
    if _is_fresh(kept, now):
        return False
    with disk.file_errors(kept, "deleted"), suppress(FileNotFoundError):
        kept.replace(going)
        is_wanted = _is_fresh(going, now)
        if is_wanted:
            # A copy that was made meanwhile is as good.
            with suppress(FileExistsError):
                os.link(going, kept)
        going.unlink()
        _sync_folders(kept.parent)
        return not is_wanted
    return False


def sweep(folder: Path, now: datetime) -> int:
    """Delete files that a crash left half written or half deleted; return their number.

    Raises:
        FileError: if such a file cannot be deleted.
    """
    swept = 0
    for file in _files(folder):
        if file.name.startswith((NEW, _GOING)) and not _is_fresh(file, now):
            with disk.file_errors(file, "deleted"):
                file.unlink(missing_ok=True)
            swept += 1
    return swept


def _place(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def touched(kept: Path | str) -> bool:
    """Mark the file as freshly attached; return whether it exists."""
    # By the clock that will ask for it, which may be a told one.
    now = clock.now().timestamp()
    with disk.file_errors(kept, "kept"), suppress(FileNotFoundError):
        os.utime(kept, (now, now))
        return True
    return False


def _is_fresh(file: Path, now: datetime) -> bool:
    """Whether the file must stay for now; a missing file counts as fresh, for others to report."""
    try:
        touched = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except OSError:
        return True
    return now - touched < FRESH


def _files(folder: Path) -> Iterator[Path]:
    def fail(error: OSError) -> None:
        raise FileError(file=folder, done="read", detail=error.strerror) from error

    # There is none before the first file is attached.
    if folder.exists():
        for place, _, names in os.walk(folder, onerror=fail):
            yield from (Path(place) / name for name in names)


def _opened(file: Path) -> BinaryIO:
    try:
        # Opening a pipe would wait for its writer for ever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise InputError.coded(
            "no_such_file", "no file {file}: check the path", file=str(file)
        ) from error
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError.coded(
            "not_plain_file",
            "{file} is not a plain file: copy its content into one and attach that",
            file=str(file),
        )
    return os.fdopen(descriptor, "rb")


def _pieces(source: BinaryIO, file: Path) -> Iterator[bytes]:
    """The content of the file, piece by piece; a disk error raises FileError."""
    with disk.file_errors(file, "read"):
        while piece := source.read(_PIECE):
            yield piece


def _copy(source: BinaryIO, copy: BinaryIO, digest: str, file: Path) -> None:
    found = hashlib.sha256()
    for piece in _pieces(source, file):
        found.update(piece)
        copy.write(piece)
    copy.flush()
    os.fsync(copy.fileno())
    if found.hexdigest() != digest:
        raise FileError(
            file=file,
            done="kept",
            detail=Cause.of("changed_while_read", "it changed while it was read; try again"),
        )


def _sync_folders(*folders: Path) -> None:
    """Sync the folders: a file survives a crash only if its folder's entry is on disk."""
    for folder in folders:
        disk.fsync_path(folder)
