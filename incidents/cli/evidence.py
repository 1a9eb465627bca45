"""The evidence: files kept by their digest, and the act that puts one on an incident's record."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from incidents.cli import params
from incidents.cli.act import Act
from incidents.cli.options import acting
from incidents.errors import EvidenceTooLargeError, FileError, InputError, RefusedError
from incidents.machine import commands
from incidents.machine.ids import incident_id

_PIECE = 2**20


@click.command()
@params.incident_argument
@click.argument("file", type=params.File(), metavar="FILE")
@acting
def attach(act: Act, incident: tuple[int, int], file: Path) -> int:
    """Attach FILE to INCIDENT as evidence, by its digest.

    A copy is kept beside the database (INCIDENTS_EVIDENCE); at most 50 MiB (evidence_limit).
    """
    site, n = incident
    settings = act.run.settings
    name = params.text("file's name", limit=255)(file.name)
    digest, size = measure(file, limit=settings.evidence_limit)
    command = commands.Attach(by=act.by, incident=n, digest=digest, size=size, name=name)
    if not act.dry_run:
        # What is refused leaves no copy behind, and the entry never names a file that is not kept.
        act.refuse_if_impossible(site, command)
        keep(file, digest, settings.evidence)
    return act.submit(site, command, about=incident_id(site, n))


def measure(file: Path, *, limit: int) -> tuple[str, int]:
    """The file's SHA-256 in hexadecimal and its size in bytes.

    Raises:
        InputError: if there is no such file, or it is not a plain one.
        EvidenceTooLargeError: if it has more than `limit` bytes.
        RefusedError: if it is empty.
        FileError: if it cannot be read.
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
        raise RefusedError(f"{file} is empty, which shows nothing: attach a file with content")
    return digest.hexdigest(), size


def keep(file: Path, digest: str, folder: Path) -> Path:
    """Keep a copy of the file under its digest, whole and on the disk when this returns.

    Raises:
        FileError: if it cannot be written, or the file has changed since it was measured.
    """
    kept = folder / digest[:2] / digest
    if kept.exists():
        return kept
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=kept.parent, prefix=".new-")
    except OSError as error:
        raise FileError(file=kept, done="written", detail=error.strerror) from error
    try:
        with os.fdopen(descriptor, "wb") as copy, _opened(file) as source:
            _copy(source, copy, digest, file)
        Path(name).replace(kept)
        _sync_folders(kept.parent, folder, folder.parent)
    except OSError as error:
        Path(name).unlink(missing_ok=True)
        raise FileError(file=kept, done="written", detail=error.strerror) from error
    except FileError:
        Path(name).unlink(missing_ok=True)
        raise
    return kept


def _opened(file: Path) -> BinaryIO:
    try:
        # Opening a pipe would wait for its writer for ever.
        descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise InputError(f"there is no file {file}: check the path") from error
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror) from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise InputError(f"{file} is not a plain file: put what it holds into one and attach that")
    return os.fdopen(descriptor, "rb")


def _pieces(source: BinaryIO, file: Path) -> Iterator[bytes]:
    """What the file holds, piece by piece; a disk that cannot read it raises FileError."""
    try:
        while piece := source.read(_PIECE):
            yield piece
    except OSError as error:
        detail = error.strerror or "no reason given"
        raise FileError(file=file, done="read", detail=detail) from error


def _copy(source: BinaryIO, copy: BinaryIO, digest: str, file: Path) -> None:
    found = hashlib.sha256()
    for piece in _pieces(source, file):
        found.update(piece)
        copy.write(piece)
    copy.flush()
    os.fsync(copy.fileno())
    if found.hexdigest() != digest:
        raise FileError(file=file, done="kept", detail="it changed while it was read; try again")


def _sync_folders(*folders: Path) -> None:
    """A file is there after a crash only if its folder's entry is."""
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
