"""The mark: a record, outside a database, of the newest entry known to have been in the database.

Each database has one mark file, named by the database's identity, beside the log's key, because
restoring the database must not restore the mark too. A mark is never replaced by a lower one,
whichever of the daemons that share the file writes first, and is not replaced while it cannot be
read.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from incidents.clock import read_rfc3339, rfc3339
from incidents.errors import Cause, FileError
from incidents.log import logger
from incidents.system import disk, private_file
from incidents.values.ids import EPOCHS

SUFFIX, LOCK, WRONG = ".mark", ".lock", ".wrong"

LOCK_TIMEOUT_S = 1.0
"""The longest wait for another writer of the same mark, so that a stopped process does not delay
orders."""

NO_FILE = (
    "it is no file, so nobody can tell whether the record has lost its end. Run incidents recover"
    " --reason R, then move it away"
)

_log = logger("acts")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The known content of a database at a time (UTC): the epoch and the newest entry.

    `leaf`: the hash of the entry's leaf (hexadecimal).
    """

    identity: str
    epoch: int
    entry: int
    leaf: str
    at: datetime

    @property
    def position(self) -> tuple[int, int]:
        """The sort key among the marks of one database; a later mark has a higher one."""
        return self.epoch, self.entry


class UnreadMarkError(FileError):
    """the mark {file} cannot be read: {detail}"""


class NoFileError(UnreadMarkError):
    """the mark {file} cannot be read: {detail}"""


class MarkFile:
    """The file with the mark of one database; its name is `file` with the database's identity.

    A failing disk, or a file without a valid mark, is logged once, and does not delay orders.
    """

    def __init__(self, file: Path, identity: str) -> None:
        self.identity = identity
        self._file = file.with_name(f"{file.name}-{identity}")
        self._key_file = file.with_name(file.name.removesuffix(SUFFIX))
        self._kept: Mark | None = None
        self._logged: dict[str, str] = {}

    def read(self) -> Mark | None:
        """The mark; None if there is no file, or no valid mark in it.

        Raises:
            UnreadMarkError: if the file cannot be read: the database might lack entries, and
                no order may be carried out from it.
        """
        try:
            mark = self._read_file()
        except OSError as error:
            unread = NoFileError if isinstance(error, IsADirectoryError) else UnreadMarkError
            raise unread(file=self._file, detail=self._reason(error)) from error
        except _NoMarkError as error:
            self._log_once("the mark cannot be read", error)
            mark = None
        else:
            self._logged.pop("the mark cannot be read", None)
        if mark is None:
            # The mark of this process is gone.
            self._kept = None
        return mark

    def _read_file(self) -> Mark | None:
        """The mark in the file; raises OSError or _NoMarkError."""
        try:
            text = disk.read(self._file)
        except FileNotFoundError:
            return None
        return _parsed(text, self.identity)

    def advance(self, mark: Mark) -> None:
        """Write the mark, unless the file has a higher mark or cannot be read."""
        if self._kept is not None and mark.position == self._kept.position:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            lock = self._file.with_name(self._file.name + LOCK)
            with disk.locked(lock, LOCK_TIMEOUT_S, disk.owner_beside(self._key_file)):
                known = self._previous()
                if known is None or known.position < mark.position:
                    self._write(mark)
        except OSError as error:
            self._log_once("the mark cannot be written", error)
            return
        self._logged.pop("the mark cannot be written", None)
        self._kept = mark

    def _previous(self) -> Mark | None:
        """The mark to replace; a file without a valid mark is moved aside for inspection."""
        try:
            return self._read_file()
        except _NoMarkError:
            disk.set_aside(self._file, WRONG)
            return None

    def _write(self, mark: Mark) -> None:
        text = json.dumps({**asdict(mark), "at": rfc3339(mark.at)})
        disk.write_whole(self._file, [text.encode()], owner=disk.owner_beside(self._key_file))

    def _log_once(self, sentence: str, error: Exception) -> None:
        why = (
            self._reason(error)
            if isinstance(error, OSError)
            else Cause.of("no_mark", "it is not a mark")
        )
        if self._logged.get(sentence) != why:
            _log.error(sentence, file=str(self._file), error=why)
        self._logged[sentence] = why

    def _reason(self, error: OSError) -> str:
        why = error.strerror or str(error)
        if isinstance(error, IsADirectoryError):
            # Otherwise no daemon would detect a loss.
            return NO_FILE
        if not isinstance(error, PermissionError):
            return why
        file = Path(error.filename or self._file)
        return why + private_file.ownership_fix(file, self._key_file)


def mark_path(key_file: Path) -> Path:
    """The common beginning of the names of all mark files, beside the log's key."""
    return key_file.with_name(key_file.name + SUFFIX)


class _NoMarkError(Exception):
    """The file does not contain a mark of that database."""


def _parsed(text: bytes, identity: str) -> Mark:
    """The mark in the text of a file; raises _NoMarkError if it is not a mark of that database."""
    try:
        found = json.loads(text)
        if not isinstance(found, dict) or found.get("identity") != identity:
            raise _NoMarkError
        epoch, entry, leaf, at = (found[name] for name in ("epoch", "entry", "leaf", "at"))
        # A writer of this file must not be able to exhaust order numbers.
        if not (
            type(epoch) is int and 0 <= epoch < EPOCHS and type(entry) is int and entry < 2**63
        ):
            raise _NoMarkError
        when = read_rfc3339(str(at))
    except (LookupError, OverflowError, RecursionError, TypeError, ValueError) as error:
        raise _NoMarkError from error
    return Mark(identity=identity, epoch=epoch, entry=entry, leaf=str(leaf), at=when)
