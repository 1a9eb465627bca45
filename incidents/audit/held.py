"""The held checkpoint: one that somebody keeps outside is not replaced by one that forgets it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from incidents.audit import stored_tree
from incidents.errors import VerificationError
from incidents.store.engine import plainly, reading
from incidents.tlog import checkpoint, note
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.note import NoteError
from incidents.tlog.proof import root_at


class HeldCheckpointError(VerificationError):
    """{file} holds a checkpoint of {origin} of {size} entries, and this log of {now} does not begin
    with them: it is left as it is; see what `incidents audit verify --checkpoint` says of it, and
    name another file for the new one"""


class UncomparedCheckpointError(VerificationError):
    """{file} holds a checkpoint of {origin} of {size} entries, and whether the log begins with them
    still is not seen from here: it is left as it is; see what `incidents audit verify --checkpoint`
    says of it, and name another file for the new one"""


def check_grown(engine: Engine, file: str, new: str) -> None:
    """Makes sure that `new`, a signed checkpoint of the database's log, forgets nothing that the
    one in the file vouches for. Any other file is nobody's checkpoint.

    Raises:
        HeldCheckpointError: if it does.
    """
    held, now = _read(Path(file)), checkpoint.parse(note.parse(new).text)
    if held is None or (held.origin == now.origin and _begins_with(engine, now, held)):
        return
    raise HeldCheckpointError(file=file, origin=held.origin, size=held.size, now=now.size)


def check_same(file: str, new: str) -> None:
    """The same without the log, whose entries nobody has here: only the very checkpoint that the
    file holds may take its place.

    Raises:
        UncomparedCheckpointError: for any other.
    """
    held, now = _read(Path(file)), checkpoint.parse(note.parse(new).text)
    if held is not None and held != now:
        raise UncomparedCheckpointError(file=file, origin=held.origin, size=held.size)


def _read(file: Path) -> Checkpoint | None:
    try:
        return checkpoint.parse(note.parse(file.read_bytes()).text)
    except (OSError, ValueError, NoteError, CheckpointError):
        return None


def _begins_with(engine: Engine, now: Checkpoint, held: Checkpoint) -> bool:
    if held.size > now.size:
        return False
    with plainly(engine), reading(engine) as connection:
        return root_at(stored_tree.nodes(connection, now.size), held.size) == held.root
