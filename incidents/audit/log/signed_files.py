"""The signed files: the last note that each key of the log has signed, beside the private key.

Each key keeps its own file permanently: otherwise a retired key could sign a second history. The
shared file has the last note of all keys, for older versions of this program, which know no other.
Notes that fit into neither are put aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from incidents.audit.log import signers_lock
from incidents.errors import FileError, VerificationError
from incidents.system import disk
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import CheckpointError, NoteError

SUFFIX, WRONG = ".signed", ".wrong"

_DIGITS = 8  # of the digest in the name of a note put aside; no suffix has as many


class InconsistentLogError(VerificationError):
    """no checkpoint was signed: {detail}; {way_out}"""


class TornNoteError(InconsistentLogError):
    """no checkpoint was signed: {file} holds no signed note ({detail}), so the last signature of
    its key is unknown. Let a new key sign: incidents recover --reason R"""


class TornShareError(InconsistentLogError):
    """no key can start to sign: {file} holds no signed note ({detail}), and an older version of
    this program may have signed what it held. If no key has signed since the upgrade, move the file
    away (mv {file} {file}.wrong). Otherwise let a new key sign: incidents recover --reason R"""


class KeptNote(NamedTuple):
    """The note that a key has signed last, and its file."""

    file: Path
    note: str


class SignedFiles(NamedTuple):
    """The signed files of a key's folder, for readers; with the error if one cannot be read."""

    key_file: Path
    notes: dict[Path, str]
    unread: FileError | None

    def whole(self) -> SignedFiles:
        """The same files, for a caller that depends on all of them.

        Raises:
            FileError: if one cannot be read.
        """
        if self.unread is not None:
            raise self.unread
        return self

    def of(self, key: VerifierKey) -> list[KeptNote]:
        """The last notes of that key, from its own file and from the shared one."""
        return _by(key, self.key_file, self.notes)


def read_folder(key_file: Path) -> SignedFiles:
    """The files beside that key. Read them before the database: newer signatures are not a loss."""
    begin, notes = key_file.name + SUFFIX, {}
    try:
        for file in sorted(key_file.parent.iterdir()):
            if file.name.startswith(begin) and file != signers_lock.lock_file(key_file):
                notes[file] = _text(file) or ""
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        return SignedFiles(key_file, notes, _read_error(key_file.parent, error))
    except FileError as error:
        return SignedFiles(key_file, notes, error)
    return SignedFiles(key_file, notes, None)


def own_file(key_file: Path, key: VerifierKey) -> Path:
    """The file, beside the key's, with the last note that it signed."""
    return _of_key(key_file, key.key_hash)


def read(key_file: Path, key: VerifierKey) -> list[KeptNote]:
    """The last notes of a key: in its own file, in the shared one, and put aside; none at first.

    Raises:
        FileError: if a file cannot be read.
        TornNoteError, TornShareError: if a file holds no note.
    """
    found = _by(key, key_file, _notes(key_file, key))
    for each in found:
        check_readable(each)
    return found


def has_signed(key_file: Path, key: VerifierKey) -> bool:
    """Whether the files show that the key may have signed; raises FileError.

    A shared file that holds no note shows nothing.
    """
    shared, found = _shared(key_file), _by(key, key_file, _notes(key_file, key))
    return any(each.file != shared or _why_unreadable(each.note) is None for each in found)


def check_readable(kept: KeptNote) -> None:
    """Check that the file holds a note; raises TornNoteError, or TornShareError."""
    detail = _why_unreadable(kept.note)
    if detail is not None:
        kind = TornShareError if kept.file.suffix == SUFFIX else TornNoteError
        raise kind(file=kept.file, detail=detail)


def check_share(key_file: Path) -> None:
    """Check that another key can begin to sign beside this file.

    Raises:
        TornShareError: if the shared file holds no note.
        FileError: if it cannot be read.
    """
    shared = _shared(key_file)
    if (text := _text(shared)) is not None:
        check_readable(KeptNote(shared, text))


def is_share_torn(key_file: Path) -> bool:
    """Whether the shared file exists and holds no note; raises FileError if it cannot be read."""
    text = _text(_shared(key_file))
    return text is not None and _why_unreadable(text) is not None


def put_torn_share_aside(key_file: Path) -> None:
    """Permanently put the shared file aside if it holds no note.

    Raises:
        FileError: if it cannot be read or renamed.
    """
    if not is_share_torn(key_file):
        return
    shared = _shared(key_file)
    with disk.file_errors(shared, "put aside"):
        disk.set_aside(shared, WRONG)


def save(key_file: Path, signed: str, keys: Iterable[VerifierKey]) -> None:
    """Write that note to the file of each key that has signed it, and to the shared one.

    The notes that it replaces were checked for these keys.

    Raises:
        FileError: if it cannot be written.
    """
    keys = tuple(keys)
    # Before their own files say more than the shared one, whose note then is not kept.
    is_free = copy_to_own_files(key_file, checked=keys)
    for key in keys:
        write(own_file(key_file, key), key_file, signed)
    if is_free:
        write(_shared(key_file), key_file, signed)


def copy_to_own_files(key_file: Path, *, checked: Collection[VerifierKey] = ()) -> bool:
    """Copy the shared file's note to the own file of each key that has signed it, unless `checked`.

    Call it before the note of another key replaces it. Two notes by one key are both kept, because
    they may belong to two histories. False if the file holds no note and must therefore stay.

    Raises:
        FileError: if a file cannot be read or written.
    """
    text = _text(_shared(key_file))
    if text is None:
        return True
    if _why_unreadable(text) is not None:
        return False
    signed = note.checkpoint_of(text)
    done = {key.key_hash for key in checked}
    for each in note.parse(text).signatures:
        if each.name == signed.origin and each.key_hash not in done:
            _copy_to_own_file(_of_key(key_file, each.key_hash), key_file, text, signed.size)
    return True


def _copy_to_own_file(own: Path, key_file: Path, text: str, size: int) -> None:
    there = _text(own)
    if there == text:
        return
    if there is None:
        write(own, key_file, text)
    elif _why_unreadable(there) is None and note.checkpoint_of(there).size < size:
        write(_aside(own, there), key_file, there)
        write(own, key_file, text)
    else:
        write(_aside(own, text), key_file, text)


def permanent(kept: KeptNote, files: SignedFiles) -> KeptNote:
    """The same note in its permanent file; the shared one is overwritten."""
    same = (KeptNote(file, text) for file, text in files.notes.items() if text == kept.note)
    return max(same, key=lambda each: len(each.file.name), default=kept)


def write(file: Path, key_file: Path, text: str) -> None:
    """Write a file beside the key's atomically, with the owner of the key's.

    Raises:
        FileError: if it cannot be written.
    """
    with disk.file_errors(file, "written"):
        disk.write_whole(file, [text.encode()], owner=disk.owner_beside(key_file))


def _of_key(key_file: Path, key_hash: bytes) -> Path:
    return key_file.with_name(f"{key_file.name}{SUFFIX}-{key_hash.hex()}")


def _aside(own: Path, text: str) -> Path:
    return own.with_name(f"{own.name}.{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}")


def _shared(key_file: Path) -> Path:
    return key_file.with_name(key_file.name + SUFFIX)


def _notes(key_file: Path, key: VerifierKey) -> dict[Path, str]:
    """The contents of the files that may belong to that key; raises FileError."""
    own, shared = own_file(key_file, key), _shared(key_file)
    try:
        beside_it = sorted(key_file.parent.iterdir())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _read_error(key_file.parent, error) from error
    files = [own, shared, *(file for file in beside_it if _is_aside(file.name, own))]
    return {file: text for file in files if (text := _text(file)) is not None}


def _is_aside(name: str, own: Path) -> bool:
    """Whether the name is that of a file put aside for the key with that own file."""
    begin, _, digest = name.rpartition(".")
    return begin == own.name and len(digest) == _DIGITS


def _by(key: VerifierKey, key_file: Path, notes: Mapping[Path, str]) -> list[KeptNote]:
    own, shared = own_file(key_file, key), _shared(key_file)
    found = [KeptNote(own, notes[own])] if own in notes else []
    # An older version may have signed more in between, and written only the shared file.
    text = notes.get(shared)
    if text not in (None, notes.get(own)) and _is_by(text, key, has_own=bool(found)):
        found.append(KeptNote(shared, text))
    found += [KeptNote(file, notes[file]) for file in notes if _is_aside(file.name, own)]
    return found


def _is_by(text: str, key: VerifierKey, *, has_own: bool) -> bool:
    """Whether that key signed the text; an unreadable one counts, unless it `has_own` files."""
    try:
        signatures = note.parse(text).signatures
    except NoteError:
        return not has_own
    return any(each.is_by(key) for each in signatures)


def _text(file: Path) -> str | None:
    try:
        # Bytes that are no text are no note either; the caller says so.
        return disk.read(file).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _read_error(file, error) from error


def _read_error(file: Path, error: OSError) -> FileError:
    key_file = file.with_name(file.name.partition(SUFFIX)[0])
    return signers_lock.file_error(file, key_file, "read", error)


def _why_unreadable(text: str) -> str | None:
    """The reason why a file holds no note; None if it holds one."""
    if not text:
        return "it is empty"
    try:
        note.checkpoint_of(text)
    except (NoteError, CheckpointError):
        return "it is not whole"
    return None
