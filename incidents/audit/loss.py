"""The loss: what is known to have been signed, and is not what the log begins with."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from incidents.audit import last_signed, signing
from incidents.audit.last_signed import DifferentError, Kept, Known
from incidents.errors import FileError, RefusedError
from incidents.store import leaves
from incidents.store.engine import plainly, reading
from incidents.tlog import checkpoint, note
from incidents.tlog.checkpoint import CheckpointError
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import NoteError


class LossKnownError(RefusedError):
    """more is known to have been signed than what is left: {detail} ({file}); put back the database
    that has it, or, if it is lost for good, put that on record, and a new key signs: incidents
    recover --reason R"""


class Loss(NamedTuple):
    """In which way the log is not what that key has signed last, and where that is kept."""

    key: VerifierKey
    kept: Kept
    detail: str

    @property
    def size(self) -> int | None:
        """So many entries were signed; None if what is kept cannot be read."""
        try:
            return checkpoint.parse(note.parse(self.kept.note).text).size
        except (NoteError, CheckpointError):
            return None


def known(connection: Connection, files: Known) -> Loss | None:
    """What a key that would sign now has signed last, if the log does not begin with it.

    `files` are to be read before the database: what is signed in between is no loss. Nor is what
    may be among the entries that have no number yet: with theirs they may well be what was signed.
    """
    log = signing.log(connection)
    if log is None:
        return None
    for key in log.keys:
        kept = files.of(key)
        if kept is None:
            continue
        try:
            last_signed.compare(connection, log.checkpoint, kept)
        except DifferentError as error:
            found = Loss(key, kept, str(error))
            waiting = leaves.unnumbered(connection).entries
            if not log.size < (found.size or 0) <= log.size + waiting:
                return found
    return None


def refuse(engine: Engine, key_file: Path) -> None:
    """Makes sure that nothing is known to be missing that was signed.

    Raises:
        LossKnownError: if something is.
        FileError: if a file beside the key's cannot be read.
    """
    files = last_signed.known(key_file)
    if files.unread is not None:
        file = f"{key_file}{last_signed.SUFFIX}-…"
        raise FileError(file=file, done="read", detail=files.unread)
    with plainly(engine), reading(engine) as connection:
        found = known(connection, files)
    if found is not None:
        raise LossKnownError(detail=found.detail, file=found.kept.file)
