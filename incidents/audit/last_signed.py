"""What was signed last: the log must begin with it, or nothing is signed any more.

It stands in the table of checkpoints, and once more in a file beside the private key: that one
stays true when somebody rewrites, or puts back, the whole database. Each key has such a file of its
own, for good: a key that signs no more could otherwise sign a second history. And one file has what
was signed last of all, by whichever key: an older version of this program knows no other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection

from incidents import disk, ownership
from incidents.audit import signers_lock, stored_tree
from incidents.errors import FileError, IncidentsError, VerificationError
from incidents.store import log_keys
from incidents.store.checkpoints import Signed
from incidents.tlog import checkpoint, note, proof
from incidents.tlog.checkpoint import Checkpoint, CheckpointError
from incidents.tlog.keys import KeyFormatError, VerifierKey
from incidents.tlog.note import NoteError

SUFFIX, WRONG = ".signed", ".wrong"

_VERIFY = "`incidents audit verify` says more, and the database is to be put back as it was"
_RECOVER = (
    "the key has signed that, whatever this database says: put back the one that holds it, or, if"
    " it is lost for good: incidents recover --reason R"
)


class InconsistentLogError(VerificationError):
    """nothing is signed: {detail}; {way_out}"""


class TornNoteError(InconsistentLogError):
    """nothing is signed: {file} holds no signed note ({detail}), so nobody can tell what its key
    has signed last. Let a new key sign: incidents recover --reason R"""


class TornShareError(InconsistentLogError):
    """no key can begin to sign: {file} holds no signed note ({detail}), and an older version of
    this program may have signed what it held. If none has signed since the upgrade, put the file
    aside (mv {file} {file}.wrong). Else let a new key sign: incidents recover --reason R"""


class DifferentError(Exception):
    """In which way the log is not what was signed."""


class Kept(NamedTuple):
    """The note that a key has signed last, and in which file it is."""

    file: Path
    note: str


class Known(NamedTuple):
    """What the files beside a key's say, for who only looks; and which cannot be read, if so."""

    key_file: Path
    notes: dict[Path, str]
    unread: FileError | None

    def whole(self) -> Known:
        """The same, for who acts on it.

        Raises:
            FileError: if one cannot be read.
        """
        if self.unread is not None:
            raise self.unread
        return self

    def of(self, key: VerifierKey) -> list[Kept]:
        """What that key has signed last, as its own file has it, and as the shared one has."""
        own, shared = beside(self.key_file, key), _shared(self.key_file)
        return _by(key, own, self.notes.get(own), shared, self.notes.get(shared))


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
    for kept in (kept for key in keys for kept in read(key_file, key)):
        try:
            compare(connection, log, kept)
        except DifferentError as error:
            detail = f"{error} ({kept.file})"
            raise InconsistentLogError(detail=detail, way_out=_RECOVER) from error


def compare(connection: Connection, log: Checkpoint, kept: Kept) -> None:
    """Whether the log begins with what a key signed last. Raises DifferentError if it does not."""
    _compare(connection, log, _parsed(kept.note, "what the key has signed last"))


def known(key_file: Path) -> Known:
    """What the files beside that key say. They are to be read before the database is: what is
    signed in between is no loss."""
    begin, notes = key_file.name + SUFFIX, {}
    try:
        for file in sorted(key_file.parent.iterdir()):
            if file.name.startswith(begin) and file != signers_lock.lock_file(key_file):
                notes[file] = _text(file) or ""
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return Known(key_file, notes, _unread(key_file.parent, error))
    except FileError as error:
        return Known(key_file, notes, error)
    return Known(key_file, notes, None)


def beside(key_file: Path, key: VerifierKey) -> Path:
    """The file that holds what that key signed last, beside the key's."""
    return _of_key(key_file, key.key_hash)


def read(key_file: Path, key: VerifierKey) -> list[Kept]:
    """What that key signed last, as its own file has it, and as the shared one has; none before the
    first time.

    Raises:
        FileError: if it is there and cannot be read.
        TornNoteError, TornShareError: if it is there and holds no note.
    """
    own, shared = beside(key_file, key), _shared(key_file)
    found = _by(key, own, _text(own), shared, _text(shared))
    for each in found:
        refuse_torn(each)
    return found


def has_signed(key_file: Path, key: VerifierKey) -> bool:
    """Whether that key may have signed something, as far as the files tell; raises FileError."""
    own, shared = beside(key_file, key), _shared(key_file)
    return bool(_by(key, own, _text(own), shared, _text(shared)))


def refuse_torn(kept: Kept) -> None:
    """Makes sure that it is a note; raises TornNoteError, or TornShareError."""
    detail = _torn(kept.note)
    if detail is not None:
        kind = TornShareError if kept.file.suffix == SUFFIX else TornNoteError
        raise kind(file=kept.file, detail=detail)


def refuse_torn_share(key_file: Path) -> None:
    """Makes sure that another key can begin to sign beside this file.

    Raises:
        TornShareError: if the shared one holds no note.
        FileError: if it cannot be read.
    """
    shared = _shared(key_file)
    text = _text(shared)
    if text is not None:
        refuse_torn(Kept(shared, text))


def set_torn_share_aside(key_file: Path) -> Path | None:
    """Puts the shared one aside for good if it holds no note; where it is then.

    Raises:
        FileError: if it cannot be read or renamed.
    """
    shared = _shared(key_file)
    text = _text(shared)
    if text is None or _torn(text) is None:
        return None
    try:
        return disk.set_aside(shared, WRONG)
    except OSError as error:
        why = error.strerror or str(error)
        raise FileError(file=shared, done="put aside", detail=why) from error


def keep(key_file: Path, signed: str, keys: Iterable[VerifierKey]) -> None:
    """Writes that note to the file of each key that has signed it, and to the shared one.

    Raises:
        FileError: if it cannot be written.
    """
    # Before their own files say more than the shared one, which is nothing to be kept then.
    is_free = hand_down(key_file)
    for key in keys:
        write(beside(key_file, key), key_file, signed)
    if is_free:
        write(_shared(key_file), key_file, signed)


def hand_down(key_file: Path) -> bool:
    """Sees to it that the file of each key that has signed what the shared one holds says as much,
    before another key's takes its place; False if nobody can tell, since one cannot be read: then
    it must stay.

    Raises:
        FileError: if a file cannot be read or written.
    """
    text = _text(_shared(key_file))
    if text is None:
        return True
    try:
        signed = checkpoint.parse(note.parse(text).text)
        for each in note.parse(text).signatures:
            own = _of_key(key_file, each.key_hash)
            there = _text(own)
            if each.name != signed.origin or there == text:
                continue
            if there is None or checkpoint.parse(note.parse(there).text).size < signed.size:
                write(own, key_file, text)
            else:
                # It may be of another history: that is evidence, and stays.
                write(_aside(own, text), key_file, text)
    except (NoteError, CheckpointError):
        return False
    return True


def lasting(kept: Kept, files: Known) -> Kept:
    """The same in the file in which it stays, whatever is signed next: the shared one goes on."""
    same = (Kept(file, text) for file, text in files.notes.items() if text == kept.note)
    return max(same, key=lambda each: len(each.file.name), default=kept)


def write(file: Path, key_file: Path, text: str) -> None:
    """Writes a file beside the key's, whole or not at all; it belongs to whom the key belongs.

    Raises:
        FileError: if it cannot be written.
    """
    try:
        disk.write_whole(file, [text.encode()], owner=disk.owner_beside(key_file))
    except OSError as error:
        why = error.strerror or str(error)
        raise FileError(file=file, done="written", detail=why) from error


def _of_key(key_file: Path, key_hash: bytes) -> Path:
    return key_file.with_name(f"{key_file.name}{SUFFIX}-{key_hash.hex()}")


def _aside(own: Path, text: str) -> Path:
    return own.with_name(f"{own.name}.{hashlib.sha256(text.encode()).hexdigest()[:8]}")


def _shared(key_file: Path) -> Path:
    return key_file.with_name(key_file.name + SUFFIX)


def _by(
    key: VerifierKey, own: Path, own_text: str | None, shared: Path, shared_text: str | None
) -> list[Kept]:
    found = [] if own_text is None else [Kept(own, own_text)]
    # An older version may have signed more in between, and written the shared one alone.
    if shared_text not in (None, own_text) and _is_by(shared_text, key, unless=bool(found)):
        found.append(Kept(shared, shared_text))
    return found


def _is_by(text: str, key: VerifierKey, *, unless: bool) -> bool:
    """Whether that key has signed it. Who has signed what cannot be read, nobody knows: it counts,
    `unless` the key has a file of its own."""
    try:
        signatures = note.parse(text).signatures
    except NoteError:
        return not unless
    return any((each.name, each.key_hash) == (key.name, key.key_hash) for each in signatures)


def _text(file: Path) -> str | None:
    try:
        # What is no text holds no note either, which whoever reads it says.
        return disk.read(file).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unread(file, error) from error


def _unread(file: Path, error: OSError) -> FileError:
    why = error.strerror or str(error)
    if isinstance(error, PermissionError):
        why += ownership.cure(file, file.with_name(file.name.partition(SUFFIX)[0]))
    return FileError(file=file, done="read", detail=why)


def _torn(text: str) -> str | None:
    """Why a file holds no note, if it holds none."""
    if not text:
        return "it is empty"
    try:
        checkpoint.parse(note.parse(text).text)
    except (NoteError, CheckpointError):
        return "it is not whole"
    return None


def _opened(connection: Connection, last: Signed) -> Checkpoint:
    """The last checkpoint of the table, if it is one that a key of the log has signed."""
    where = f"checkpoint {last.id} of the database"
    if last.key not in log_keys.every(connection):
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
        return checkpoint.parse(note.parse(written).text)
    except (NoteError, CheckpointError) as error:
        raise DifferentError(f"{where} cannot be read ({error.message})") from error


def _compare(connection: Connection, log: Checkpoint, before: Checkpoint) -> None:
    what = f"{before.size:,} entries were signed"
    if before.origin != log.origin:
        raise DifferentError(f"{what} of a log called {before.origin!r}, not {log.origin!r}")
    if before.size > log.size:
        raise DifferentError(f"{what}, and the log has {log.size:,}")
    try:
        nodes = stored_tree.nodes(connection, log.size)
        shown = proof.consistency_proof(nodes, before.size, log.size)
        proof.check_consistency(before.size, before.root, log.size, log.root, shown)
    except IncidentsError as error:
        raise DifferentError(f"{what}, and the log does not begin with them") from error
