"""The loss: what is known to have been signed, and is not what the log begins with."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection

from incidents.audit import last_signed, signing
from incidents.audit.last_signed import DifferentError, Kept, Known
from incidents.store import leaves
from incidents.tlog import checkpoint, note
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.note import NoteError


class Loss(NamedTuple):
    """In which way the log is not what a key has signed last, and where that is kept."""

    kept: Kept
    detail: str

    @property
    def size(self) -> int | None:
        """So many entries were signed; None if what is kept cannot be read."""
        found = _parsed(self.kept)
        return None if found is None else found.size


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
            found = Loss(kept, str(error))
            waiting = leaves.unnumbered(connection).entries
            if not log.size < (found.size or 0) <= log.size + waiting:
                return found
    return None


def most(connection: Connection, files: Known, told: Collection[int | None]) -> Loss | None:
    """The most that any key has signed beside these files, also one that signs no more, and that
    the log does not begin with; but for sizes that are `told` of already. All entries are numbered.
    """
    log = signing.log(connection)
    if log is None:
        return None
    found: list[tuple[int, Loss]] = []
    for file, text in files.notes.items():
        kept = Kept(file, text)
        signed = _parsed(kept)
        if signed is None or signed.origin != log.checkpoint.origin or signed.size in told:
            continue
        try:
            last_signed.compare(connection, log.checkpoint, kept)
        except DifferentError as error:
            found.append((signed.size, Loss(kept, str(error))))
    return max(found, default=(0, None), key=lambda each: each[0])[1]


def _parsed(kept: Kept) -> Checkpoint | None:
    """What was signed; None if it cannot be read."""
    try:
        return checkpoint.parse(note.parse(kept.note).text)
    except (NoteError, CheckpointError):
        return None
