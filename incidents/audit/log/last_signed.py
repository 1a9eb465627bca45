"""What was signed last: the log must begin with it, or nothing is signed any more.

It stands in the table of checkpoints, and once more in a file beside the private key: that one
stays true when somebody rewrites, or puts back, the whole database.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from incidents.audit.log import sequencer, signed_files
from incidents.audit.log.signed_files import InconsistentLogError, Kept
from incidents.errors import IncidentsError
from incidents.store.record import checkpoints
from incidents.store.record.checkpoints import Signed
from incidents.tlog import note, proof
from incidents.tlog.keys import KeyFormatError, VerifierKey
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError

_VERIFY = "`incidents audit verify` says more, and the database is to be put back as it was"
_RECOVER = (
    "the key has signed that, whatever this database says: put back the one that holds it, or, if"
    " it is lost for good: incidents recover --reason R"
)


class DifferentError(Exception):
    """In which way the log is not what was signed."""


def check(
    connection: Connection,
    log: Checkpoint,
    last: Signed | None,
    key_file: Path,
    keys: Iterable[VerifierKey],
) -> None:
    """Makes sure that the log, as these keys are to sign it, begins with what was signed last, by
    whomever, and by each of them.

    Raises:
        InconsistentLogError: if it does not, or nobody can tell, with the way out.
        FileError: if a file beside the key's cannot be read.
    """
    try:
        if last is not None:
            _compare(connection, log, _opened(connection, last))
    except DifferentError as error:
        raise InconsistentLogError(detail=str(error), way_out=_VERIFY) from error
    for kept in (kept for key in keys for kept in signed_files.read(key_file, key)):
        try:
            compare(connection, log, kept)
        except DifferentError as error:
            detail = f"{error} ({kept.file})"
            raise InconsistentLogError(detail=detail, way_out=_RECOVER) from error


def compare(connection: Connection, log: Checkpoint, kept: Kept) -> None:
    """Whether the log begins with what a key signed last. Raises DifferentError if it does not."""
    _compare(connection, log, _parsed(kept.note, "what the key has signed last"))


def _opened(connection: Connection, last: Signed) -> Checkpoint:
    """The last checkpoint of the table, if it is one that a key of the log has signed."""
    where = f"checkpoint {last.id} of the database"
    if last.key not in checkpoints.every_key(connection):
        raise DifferentError(f"{where} is by {last.key}, which is no key of the log")
    found = _parsed(last.note, where)
    try:
        note.opened(note.parse(last.note), [VerifierKey.parse(last.key)])
    except (NoteError, KeyFormatError) as error:
        raise DifferentError(f"{where} was not signed so ({error.message})") from error
    if (found.size, found.root) != (last.size, last.root):
        raise DifferentError(f"{where} is not what its note says")
    return found


def _parsed(written: str, where: str) -> Checkpoint:
    try:
        return note.parse_checkpoint(note.parse(written).text)
    except (NoteError, CheckpointError) as error:
        raise DifferentError(f"{where} cannot be read ({error.message})") from error


def _compare(connection: Connection, log: Checkpoint, before: Checkpoint) -> None:
    what = f"{before.size:,} entries were signed"
    if before.origin != log.origin:
        raise DifferentError(f"{what} of a log called {before.origin!r}, not {log.origin!r}")
    if before.size > log.size:
        raise DifferentError(f"{what}, and the log has {log.size:,}")
    try:
        nodes = sequencer.nodes(connection, log.size)
        shown = proof.consistency_proof(nodes, before.size, log.size)
        proof.check_consistency(before.size, before.root, log.size, log.root, shown)
    except IncidentsError as error:
        raise DifferentError(f"{what}, and the log does not begin with them") from error
