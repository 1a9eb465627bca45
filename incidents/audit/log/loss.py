"""The loss of log entries: entries that were signed but are no longer in the log.

If the key that signed them is on record, the entry that names the next key with `lost=true`
acknowledges the loss. If that key is unknown, the `.lost` file of the next key acknowledges the
loss.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple, NoReturn

from sqlalchemy import Connection, Engine

from incidents.audit.log import consistency, signed_files, signing
from incidents.audit.log.consistency import DifferentError
from incidents.audit.log.signed_files import KeptNote, SignedFiles
from incidents.errors import VerificationError
from incidents.record.own_events import HistoryResumed
from incidents.store.database.engine import plainly, reading
from incidents.store.log import checkpoints, leaves
from incidents.tlog import note
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError


class LossKnownError(VerificationError):
    """signed entries are missing: {detail} ({file}). Restore the database that has them. If they
    are lost for good, record the loss, and a new key signs: incidents recover --reason R"""


class Loss(NamedTuple):
    """How the log differs from a key's last signed note, and the file with that note."""

    kept: KeptNote
    detail: str

    @property
    def size(self) -> int | None:
        """The number of entries that were signed; None if the note cannot be read."""
        try:
            return note.checkpoint_of(self.kept.note).size
        except (NoteError, CheckpointError):
            return None

    def refuse(self) -> NoReturn:
        """Raise TornNoteError or LossKnownError to prevent signing."""
        signed_files.check_readable(self.kept)
        raise LossKnownError(detail=self.detail, file=self.kept.file)

    @property
    def line(self) -> str:
        """The line that acknowledges the loss: the name of the key's file, and the signed size."""
        return f"{self.kept.file.name} {self.size}\n"


def find(connection: Connection, files: SignedFiles) -> Loss | None:
    """Find the largest unacknowledged signed note that the log does not begin with.

    A note counts only if its key would sign now or is unknown to this database. Read `files` before
    the database, because a note that is signed between the two reads is not a loss. A note that
    covers entries without a number is not a loss either.
    """
    log = signing.log(connection)
    if log is None:
        return None
    kept = [each for key in log.keys for each in files.of(key)]
    kept += _of_unknown_keys(connection, log.checkpoint.origin, files)
    found = _lost(connection, log.checkpoint, kept)
    if found:
        above = log.size + leaves.unnumbered(connection).entries
        found = [each for each in found if not log.size < (each.size or 0) <= above]
    return max(found, key=lambda each: each.size or 0, default=None)


def find_largest(
    connection: Connection, files: SignedFiles, reported: Collection[int | None]
) -> Loss | None:
    """Find the largest note beside the key, by any key, that the log does not begin with.

    Notes whose size is in `reported` do not count. All entries must have numbers.
    """
    log = signing.log(connection)
    if log is None:
        return None
    kept = (KeptNote(file, text) for file, text in files.notes.items())
    own = [each for each in kept if _is_of(each, log.checkpoint.origin)]
    found = [each for each in _lost(connection, log.checkpoint, own) if each.size not in reported]
    return max(found, key=lambda each: each.size or 0, default=None)


def record_answer(engine: Engine, key_file: Path, new: VerifierKey) -> None:
    """Record beside the key which notes of unknown keys are lost, for `new` to acknowledge them.

    These notes are not reported once `new` is on record. A restored older database does not know
    `new`, and reports the notes again.

    Raises:
        FileError: if a file cannot be read or written.
    """
    files = signed_files.read_folder(key_file).whole()
    with plainly(engine), reading(engine) as connection:
        log = signing.log(connection)
        if log is None:
            return
        unknown = _of_unknown_keys(connection, log.checkpoint.origin, files)
        found = _lost(connection, log.checkpoint, unknown)
    if found:
        # Also the lines of an attempt that was interrupted.
        lines = {each.line for each in found} | _answered(files, new)
        signed_files.write(_answers(key_file, new), key_file, "".join(sorted(lines)))


def _lost(connection: Connection, log: Checkpoint, kept: Iterable[KeptNote]) -> list[Loss]:
    found = []
    for each in kept:
        try:
            consistency.check_against_note(connection, log, each)
        except DifferentError as error:
            found.append(Loss(each, error.args[0]))
    return found


def _of_unknown_keys(connection: Connection, origin: str, files: SignedFiles) -> list[KeptNote]:
    """The unacknowledged notes of this log by keys that the database does not know."""
    keys = [VerifierKey.parse(key) for key in checkpoints.every_key(connection)]
    theirs = {each.file for key in keys for each in files.of(key)}
    answered = {line for key in keys for line in _answered(files, key)}
    found = []
    for file, text in files.notes.items():
        kept = KeptNote(file, text)
        if file not in theirs and _is_of(kept, origin) and Loss(kept, "").line not in answered:
            found.append(kept)
    return found


def _is_of(kept: KeptNote, origin: str) -> bool:
    """Whether the note is of this log, and signed by the key whose file it is in."""
    try:
        written = note.parse(kept.note)
        own = note.parse_checkpoint(written.text).origin == origin
    except (NoteError, CheckpointError):
        return False
    key_id = kept.file.name.rpartition("-")[2].partition(".")[0]
    by = {(each.name, each.key_hash.hex()) for each in written.signatures}
    return own and (origin, key_id) in by


def _answers(key_file: Path, new: VerifierKey) -> Path:
    own = signed_files.own_file(key_file, new)
    return own.with_name(f"{own.name}.lost")


def _answered(files: SignedFiles, new: VerifierKey) -> set[str]:
    return set(files.notes.get(_answers(files.key_file, new), "").splitlines(keepends=True))


def check(engine: Engine, key_file: Path) -> None:
    """Check that no signed entries are known to be missing.

    Raises:
        LossKnownError: if entries are missing.
        TornNoteError: if a key's last note cannot be read.
        FileError: if a file beside the key file cannot be read.
    """
    files = signed_files.read_folder(key_file).whole()
    with plainly(engine), reading(engine) as connection:
        found = find(connection, files)
    if found is not None:
        found.refuse()


# As in `desk.resumption`: a record is verified without the desk.
_DAEMON = "daemon"


def losses(resumed: Iterable[HistoryResumed]) -> list[HistoryResumed]:
    """List each loss once: a person can resume after a loss that a daemon has already recorded."""
    found: list[HistoryResumed] = []
    is_noticed = False
    for event in resumed:
        if event.is_loss and event.had is None and is_noticed:
            found[-1] = replace(found[-1], signed=found[-1].signed or event.signed)
        elif event.is_loss:
            found.append(event)
        is_noticed = event.by == _DAEMON and (is_noticed or event.is_loss)
    return found
