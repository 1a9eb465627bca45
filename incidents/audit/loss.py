"""The loss: what is known to have been signed, and is not what the log begins with."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Connection

from incidents.audit import last_signed, signing
from incidents.audit.last_signed import DifferentError, Kept, Known
from incidents.store import leaves
from incidents.tlog import checkpoint, note
from incidents.tlog.checkpoint import CheckpointError
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import NoteError


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
