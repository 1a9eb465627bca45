"""The consistency of the log with its signatures: it must begin with each signed checkpoint.

Signed checkpoints are in the table and in the files beside the private key. The remedy depends on
whether the log contradicts the table or a file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Connection

from incidents.audit.log import sequencer, signed_files
from incidents.audit.log.signed_files import InconsistentLogError, KeptNote
from incidents.errors import Cause, IncidentsError
from incidents.store.log import checkpoints
from incidents.store.log.checkpoints import Signed
from incidents.tlog import note, proof
from incidents.tlog.keys import KeyFormatError, VerifierKey
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError

_VERIFY = Cause.of("way_verify", "see `incidents audit verify`, and restore the database as it was")
_RECOVER = Cause.of(
    "way_recover",
    "restore the database that has what the key signed, or, if it is permanently lost:"
    " incidents recover --reason R",
)


class DifferentError(Exception):
    """The log differs from a signed checkpoint; the argument says how."""


def check_begins_with_signed(
    connection: Connection,
    log: Checkpoint,
    last: Signed | None,
    key_file: Path,
    keys: Iterable[VerifierKey],
) -> None:
    """Check that the log begins with the last checkpoint and with the last note of each key.

    Raises:
        InconsistentLogError: if the log does not, or if nobody can tell, with the remedy.
        FileError: if a file beside the key file cannot be read.
    """
    try:
        if last is not None:
            _compare(connection, log, _opened(connection, last))
    except DifferentError as error:
        raise InconsistentLogError(detail=error.args[0], way_out=_VERIFY) from error
    for kept in (kept for key in keys for kept in signed_files.read(key_file, key)):
        try:
            check_against_note(connection, log, kept)
        except DifferentError as error:
            detail = Cause.of("of_file", "{error} ({file})", error=error.args[0], file=kept.file)
            raise InconsistentLogError(detail=detail, way_out=_RECOVER) from error


def check_against_note(connection: Connection, log: Checkpoint, kept: KeptNote) -> None:
    """Raise DifferentError unless the log begins with the note that a key signed last."""
    _compare(
        connection,
        log,
        _parsed(kept.note, Cause.of("signed_last", "the last checkpoint of the key")),
    )


def _opened(connection: Connection, last: Signed) -> Checkpoint:
    """Return the last checkpoint of the table, if a key of the log has signed it."""
    where = Cause.of("checkpoint_of_database", "checkpoint {id} of the database", id=last.id)
    if last.key not in checkpoints.every_key(connection):
        raise DifferentError(
            Cause.of(
                "signed_by_other",
                "{where} is by {key}, which is no key of the log",
                where=where,
                key=last.key,
            )
        )
    found = _parsed(last.note, where)
    try:
        note.verified_keys(note.parse(last.note), [VerifierKey.parse(last.key)])
    except (NoteError, KeyFormatError) as error:
        raise DifferentError(
            Cause.of(
                "not_signed_so",
                "{where} was not signed so ({message})",
                where=where,
                message=error.message,
            )
        ) from error
    if (found.size, found.root) != (last.size, last.root):
        raise DifferentError(
            Cause.of("not_as_note", "{where} is not what its note says", where=where)
        )
    return found


def _parsed(written: str, where: str) -> Checkpoint:
    try:
        return note.checkpoint_of(written)
    except (NoteError, CheckpointError) as error:
        raise DifferentError(
            Cause.of(
                "unreadable_place",
                "{where} cannot be read ({message})",
                where=where,
                message=error.message,
            )
        ) from error


def _compare(connection: Connection, log: Checkpoint, before: Checkpoint) -> None:
    if before.origin != log.origin:
        raise DifferentError(Cause.of(
            "log_other_name", "{n:,} entries were signed of a log called {other!r}, not {name!r}",
            n=before.size, other=before.origin, name=log.origin,
        ))  # fmt: skip
    if before.size > log.size:
        fewer = "{n:,} entries were signed, but the log has {size:,}"
        raise DifferentError(Cause.of("log_shorter", fewer, n=before.size, size=log.size))
    try:
        nodes = sequencer.nodes(connection, log.size)
        shown = proof.consistency_proof(nodes, before.size, log.size)
        proof.check_consistency(before.size, before.root, log.size, log.root, shown)
    except IncidentsError as error:
        others = "{n:,} entries were signed, but the log does not begin with them"
        raise DifferentError(Cause.of("log_others", others, n=before.size)) from error
