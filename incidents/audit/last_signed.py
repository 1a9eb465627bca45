"""What was signed last: the log must begin with it, or nothing is signed any more.

It stands in the table of checkpoints, and once more in a file beside the private key: that one
stays true when somebody rewrites, or puts back, the whole database. All that sign one log have this
one file, or two of them could sign two histories: the log knows it by a word of its own, which
stands in the file of its lock.
"""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from incidents import disk
from incidents.audit import stored_tree
from incidents.errors import FileError, IncidentsError, VerificationError
from incidents.store import checkpoints, leaves, log_keys
from incidents.store.checkpoints import Signed
from incidents.store.engine import plainly, writing
from incidents.tlog import checkpoint, note, proof
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.keys import KeyFormatError, VerifierKey
from incidents.tlog.note import NoteError
from incidents.tlog.tree import Frontier

SUFFIX, LOCK, LOST = ".signed", ".lock", ".lost-"

_VERIFY = "`incidents audit verify` says more, and the database is to be put back as it was"
_KEPT = (
    "the key has signed that, whatever this database says ({file}): put back the one that holds it,"
    " or, if it is lost for good, let a new key sign: `incidents recover`"
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


@contextmanager
def held(key_file: Path) -> Iterator[str]:
    """While it lasts, nobody else signs beside this file; the word by which the log knows it.

    Raises:
        FileError: if the lock's file cannot be read or written.
    """
    file = beside(key_file)
    lock = file.with_name(file.name + LOCK)
    try:
        with lock.open("a+") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            opened.seek(0)
            word = opened.read().strip()
            if not word:
                word = secrets.token_hex(8)
                opened.write(f"{word}\n")
                opened.flush()
                os.fsync(opened.fileno())
            yield word
    except OSError as error:
        raise FileError(file=lock, done="written", detail=error.strerror or str(error)) from error


class Ahead(NamedTuple):
    """So many entries were signed, and the log does not begin with them: in which way."""

    size: int
    detail: str


def ahead(connection: Connection, key_file: Path) -> Ahead | None:
    """What the file beside the key knows of, and the log has not.

    Nothing as long as it may be among the entries that have no number yet: with their numbers they
    may well be what was signed.

    Raises:
        FileError: if the file beside the key cannot be read.
    """
    kept, active = read(key_file), log_keys.active(connection)
    if kept is None or active is None:
        return None
    head = leaves.head(connection)
    root = Frontier.from_bytes(head.size, head.frontier).root()
    before = checkpoint.parse(note.parse(kept).text)
    if head.size < before.size <= head.size + leaves.unnumbered(connection).entries:
        return None
    try:
        _compare(connection, Checkpoint(before.origin, head.size, root), before)
    except _DifferentError as error:
        return Ahead(before.size, f"{error} ({beside(key_file)})")
    return None


def set_aside(key_file: Path, now: datetime) -> Path:
    """Keeps under another name, for the auditor, what the key signed last: nothing is compared with
    it any more, and what has signed it signs nothing any more. `now` is in UTC.

    Raises:
        FileError: if it cannot be.
    """
    file = beside(key_file)
    kept = file.with_name(f"{file.name}{LOST}{now:%Y%m%dT%H%M%SZ}")
    with held(key_file):
        try:
            file.rename(kept)
            disk.sync(file.parent)
        except OSError as error:
            detail = error.strerror or str(error)
            raise FileError(file=kept, done="written", detail=detail) from error
    return kept


def has_signed_lost(key: VerifierKey, key_file: Path) -> bool:
    """Whether the key has signed what is lost: anything else that it signed would be a second
    history.

    Raises:
        FileError: if what was kept of it cannot be read.
    """
    file = beside(key_file)
    for kept in sorted(file.parent.glob(f"{glob.escape(file.name)}{LOST}*")):
        try:
            signatures = note.parse(kept.read_bytes()).signatures
        except (OSError, NoteError) as error:
            why = getattr(error, "strerror", None) or "it is no checkpoint"
            raise FileError(file=kept, done="read", detail=why) from error
        if (key.name, key.key_hash) in {(each.name, each.key_hash) for each in signatures}:
            return True
    return False


def sign_here(engine: Engine, key_file: Path) -> None:
    """From now on those sign this log who have the file beside this key."""
    with held(key_file) as word, plainly(engine), writing(engine) as connection:
        checkpoints.sign_beside(connection, word)


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
