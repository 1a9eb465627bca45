"""The signed files: what each key of the log has signed last, in files beside the private key.

Each key has such a file of its own, for good: a key that signs no more could otherwise sign a
second history. And one file, the shared one, has what was signed last of all, by whichever key: an
older version of this program knows no other. What does not fit into either is put aside.
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

_DIGITS = 8  # of its digest name what was put aside; no suffix has as many letters


class InconsistentLogError(VerificationError):
    """nothing was signed: {detail}; {way_out}"""


class TornNoteError(InconsistentLogError):
    """nothing was signed: {file} holds no signed note ({detail}), so the last signature of its key
    is unknown. Let a new key sign: incidents recover --reason R"""


class TornShareError(InconsistentLogError):
    """no key can start to sign: {file} holds no signed note ({detail}), and an older version of
    this program may have signed what it held. If no key has signed since the upgrade, move the file
    away (mv {file} {file}.wrong). Otherwise let a new key sign: incidents recover --reason R"""


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
        return _by(key, self.key_file, self.notes)


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
    """What that key signed last, as its own file has it, the shared one, and what was put aside of
    either; none before the first time.

    Raises:
        FileError: if it is there and cannot be read.
        TornNoteError, TornShareError: if it is there and holds no note.
    """
    found = _by(key, key_file, _notes(key_file, key))
    for each in found:
        refuse_torn(each)
    return found


def has_signed(key_file: Path, key: VerifierKey) -> bool:
    """Whether that key may have signed something, as far as the files tell; raises FileError.

    A shared one that holds no note says nothing of it.
    """
    shared, found = _shared(key_file), _by(key, key_file, _notes(key_file, key))
    return any(each.file != shared or _torn(each.note) is None for each in found)


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
    if (text := _text(shared)) is not None:
        refuse_torn(Kept(shared, text))


def is_share_torn(key_file: Path) -> bool:
    """Whether the shared one is there and holds no note; raises FileError if it cannot be read."""
    text = _text(_shared(key_file))
    return text is not None and _torn(text) is not None


def set_torn_share_aside(key_file: Path) -> None:
    """Puts the shared one aside for good if it holds no note.

    Raises:
        FileError: if it cannot be read or renamed.
    """
    if not is_share_torn(key_file):
        return
    shared = _shared(key_file)
    with disk.file_errors(shared, "put aside"):
        disk.set_aside(shared, WRONG)


def keep(key_file: Path, signed: str, keys: Iterable[VerifierKey]) -> None:
    """Writes that note to the file of each key that has signed it, and to the shared one; what it
    replaces was checked for these keys.

    Raises:
        FileError: if it cannot be written.
    """
    keys = tuple(keys)
    # Before their own files say more than the shared one, which is nothing to be kept then.
    is_free = hand_down(key_file, checked=keys)
    for key in keys:
        write(beside(key_file, key), key_file, signed)
    if is_free:
        write(_shared(key_file), key_file, signed)


def hand_down(key_file: Path, *, checked: Collection[VerifierKey] = ()) -> bool:
    """Sees to it that the file of each key that has signed what the shared one holds says as much,
    before another key's takes its place, but for what was `checked`; False if nobody can tell,
    since it holds no note: then it must stay.

    Of two notes by one key neither is lost: they may be of two histories.

    Raises:
        FileError: if a file cannot be read or written.
    """
    text = _text(_shared(key_file))
    if text is None:
        return True
    if _torn(text) is not None:
        return False
    signed = note.checkpoint_of(text)
    done = {key.key_hash for key in checked}
    for each in note.parse(text).signatures:
        if each.name == signed.origin and each.key_hash not in done:
            _hand_down(_of_key(key_file, each.key_hash), key_file, text, signed.size)
    return True


def _hand_down(own: Path, key_file: Path, text: str, size: int) -> None:
    there = _text(own)
    if there == text:
        return
    if there is None:
        write(own, key_file, text)
    elif _torn(there) is None and note.checkpoint_of(there).size < size:
        write(_aside(own, there), key_file, there)
        write(own, key_file, text)
    else:
        write(_aside(own, text), key_file, text)


def lasting(kept: Kept, files: Known) -> Kept:
    """The same in the file in which it stays, whatever is signed next: the shared one goes on."""
    same = (Kept(file, text) for file, text in files.notes.items() if text == kept.note)
    return max(same, key=lambda each: len(each.file.name), default=kept)


def write(file: Path, key_file: Path, text: str) -> None:
    """Writes a file beside the key's, whole or not at all; it belongs to whom the key belongs.

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
    """What the files say that may be of that key; raises FileError."""
    own, shared = beside(key_file, key), _shared(key_file)
    try:
        beside_it = sorted(key_file.parent.iterdir())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unread(key_file.parent, error) from error
    files = [own, shared, *(file for file in beside_it if _is_aside(file.name, own))]
    return {file: text for file in files if (text := _text(file)) is not None}


def _is_aside(name: str, own: Path) -> bool:
    """Whether a file of that name is one that was put aside for the key of that own file."""
    begin, _, digest = name.rpartition(".")
    return begin == own.name and len(digest) == _DIGITS


def _by(key: VerifierKey, key_file: Path, notes: Mapping[Path, str]) -> list[Kept]:
    own, shared = beside(key_file, key), _shared(key_file)
    found = [Kept(own, notes[own])] if own in notes else []
    # An older version may have signed more in between, and written the shared one alone.
    text = notes.get(shared)
    if text not in (None, notes.get(own)) and _is_by(text, key, unless=bool(found)):
        found.append(Kept(shared, text))
    found += [Kept(file, notes[file]) for file in notes if _is_aside(file.name, own)]
    return found


def _is_by(text: str, key: VerifierKey, *, unless: bool) -> bool:
    """Whether that key has signed it. Who has signed what cannot be read, nobody knows: it counts,
    `unless` the key has a file of its own."""
    try:
        signatures = note.parse(text).signatures
    except NoteError:
        return not unless
    return any(each.is_by(key) for each in signatures)


def _text(file: Path) -> str | None:
    try:
        # What is no text holds no note either, which whoever reads it says.
        return disk.read(file).decode(errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unread(file, error) from error


def _unread(file: Path, error: OSError) -> FileError:
    key_file = file.with_name(file.name.partition(SUFFIX)[0])
    return signers_lock.failure(file, key_file, "read", error)


def _torn(text: str) -> str | None:
    """Why a file holds no note, if it holds none."""
    if not text:
        return "it is empty"
    try:
        note.checkpoint_of(text)
    except (NoteError, CheckpointError):
        return "it is not whole"
    return None
