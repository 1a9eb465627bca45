"""What was signed last: the log must begin with it, or nothing is signed any more.

It stands in the table of checkpoints, and once more in a file beside the private key: that one
stays true when somebody rewrites, or puts back, the whole database.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

from incidents import disk
from incidents.audit import stored_tree
from incidents.errors import FileError, IncidentsError, VerificationError
from incidents.store import log_keys
from incidents.store.checkpoints import Signed
from incidents.tlog import checkpoint, note, proof
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.keys import KeyFormatError, VerifierKey
from incidents.tlog.note import NoteError

SUFFIX = ".signed"

_VERIFY = "`incidents audit verify` says more, and the database is to be put back as it was"
_KEPT = (
    "the key has signed that, whatever this database says: put back the one that holds it, or, if"
    " it is lost for good, keep {file} for the auditor under another name, and sign again"
)


class InconsistentLogError(VerificationError):
    """nothing is signed: {detail}; {way_out}"""


class _DifferentError(Exception):
    """In which way the log is not what was signed."""


def check(connection: Connection, log: Checkpoint, last: Signed | None, key_file: Path) -> None:
    """Makes sure that the log, as it is to be signed, begins with what was signed last.

    Raises:
        InconsistentLogError: if it does not, with the way out.
        FileError: if the file beside the key cannot be read.
    """
    try:
        if last is not None:
            _compare(connection, log, _opened(connection, last))
    except _DifferentError as error:
        raise InconsistentLogError(detail=str(error), way_out=_VERIFY) from error
    file = beside(key_file)
    kept = read(key_file)
    if kept is None:
        return
    try:
        _compare(connection, log, _parsed(kept, f"the file {file}"))
    except _DifferentError as error:
        way_out = _KEPT.format(file=file)
        raise InconsistentLogError(detail=str(error), way_out=way_out) from error


def beside(key_file: Path) -> Path:
    """The file that holds what the key signed last."""
    return key_file.with_name(key_file.name + SUFFIX)


def read(key_file: Path) -> str | None:
    """The note that the key signed last; None before the first.

    Raises:
        FileError: if it is there and cannot be read.
    """
    file = beside(key_file)
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise FileError(file=file, done="read", detail=why) from error


def keep(key_file: Path, signed: str) -> None:
    """Writes that note to the file beside the key, whole or not at all.

    Raises:
        FileError: if it cannot be written.
    """
    file = beside(key_file)
    try:
        disk.write_whole(file, [signed.encode()])
    except OSError as error:
        raise FileError(file=file, done="written", detail=error.strerror or str(error)) from error


def _opened(connection: Connection, last: Signed) -> Checkpoint:
    """The last checkpoint of the table, if it is one that a key of the log has signed."""
    where = f"checkpoint {last.id} of the database"
    if last.key not in log_keys.every(connection):
        raise _DifferentError(f"{where} is by {last.key}, which is no key of the log")
    found = _parsed(last.note, where)
    try:
        note.opened(note.parse(last.note), [VerifierKey.parse(last.key)])
    except (NoteError, KeyFormatError) as error:
        raise _DifferentError(f"{where} was not signed so ({error.message})") from error
    if (found.size, found.root) != (last.size, last.root):
        raise _DifferentError(f"{where} is not what its note says")
    return found


def _parsed(written: str, where: str) -> Checkpoint:
    try:
        return checkpoint.parse(note.parse(written).text)
    except (NoteError, CheckpointError) as error:
        raise _DifferentError(f"{where} cannot be read ({error.message})") from error


def _compare(connection: Connection, log: Checkpoint, before: Checkpoint) -> None:
    what = f"{before.size:,} entries were signed"
    if before.origin != log.origin:
        raise _DifferentError(f"{what} of a log called {before.origin!r}, not {log.origin!r}")
    if before.size > log.size:
        raise _DifferentError(f"{what}, and the log has {log.size:,}")
    try:
        nodes = stored_tree.nodes(connection, log.size)
        shown = proof.consistency_proof(nodes, before.size, log.size)
        proof.check_consistency(before.size, before.root, log.size, log.root, shown)
    except IncidentsError as error:
        raise _DifferentError(f"{what}, and the log does not begin with them") from error
