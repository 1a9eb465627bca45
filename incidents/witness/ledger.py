"""The ledger: the checkpoints that the witness has seen of each log, in a separate SQLite file.

A witness that forgets would countersign a rewritten log. So the file is created with the key, never
because it is missing; each change is on disk before the response; and a submission is compared and
stored in one transaction, however many arrive at once.

The file uses SQLite's rollback journal with `synchronous` EXTRA, so that no commit is rolled back
after a power cut.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from incidents.errors import Cause, IncidentsError
from incidents.tlog.keys import VerifierKey
from incidents.tlog.note import Note, NoteError, parse, verified_keys
from incidents.witness import rules
from incidents.witness.rules import NOTHING, Refusal, Seen, Submission

Judge = Callable[[Submission, Seen], Refusal | None]

MAX_CONTRADICTIONS = 100
"""The maximum number of contradictions to keep for each log; later ones are dropped."""

_BUSY_S = 10.0
_VERSION = 2
_TABLES = """
    BEGIN;
    CREATE TABLE seen (
        origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE contradictions (
        origin TEXT NOT NULL, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
        seen TEXT NOT NULL, PRIMARY KEY (origin, size, root)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE keys (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
    PRAGMA user_version = 1;
    COMMIT;
"""
_ADD_ACCEPTED_KEYS = """
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS heard (
        n INTEGER PRIMARY KEY, origin TEXT NOT NULL, key TEXT NOT NULL, UNIQUE (origin, key)
    ) STRICT;
    PRAGMA user_version = 2;
    COMMIT;
"""


class LedgerError(IncidentsError):
    """cannot use the witness's store {file}: {detail}"""


class Ledger:
    """The witness's memory; any number of threads and processes may share its file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def register_key(self, key: VerifierKey) -> None:
        """Add `key` to the keys that sign with this memory; create the file if it is missing.

        Raises:
            LedgerError: if the file cannot be written.
        """
        with self._connection(mode="rwc") as connection:
            (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            if _version(connection) == 0 and tables == 0:
                connection.executescript(_TABLES)
            self._bring_up_to_date(connection)
            connection.execute("INSERT OR IGNORE INTO keys (key) VALUES (?)", (str(key),))

    def check_key(self, key: VerifierKey) -> None:
        """Check that this key has signed with this memory until now.

        Raises:
            LedgerError: if the key has not, or if the file is missing.
        """
        if not self._file.is_file():
            detail = Cause.of(
                "ledger_gone",
                "it is missing, and without it a rewritten log would be countersigned: restore"
                " it, or start with a new key (--new-key)",
            )
            raise LedgerError(file=self._file, detail=detail)
        with self._connection() as connection:
            self._bring_up_to_date(connection)
            found = connection.execute("SELECT 1 FROM keys WHERE key = ?", (str(key),)).fetchone()
        if found is None:
            detail = Cause.of(
                "ledger_of_other",
                "it is the store of another key than {key}: name the right one with --store",
                key=key,
            )
            raise LedgerError(file=self._file, detail=detail)

    def seen(self, origin: str) -> Seen:
        """The largest tree of a log that the witness has seen.

        Raises:
            LedgerError: if the file cannot be read.
        """
        with self._connection() as connection:
            return _seen(connection, origin)[0]

    def compare_and_store(
        self,
        submission: Submission,
        judge: Judge = rules.check_consistency,
        *,
        known: Sequence[VerifierKey] = (),
    ) -> Refusal | None:
        """Compare a submission with the trees seen, and store it as seen unless it is refused.

        Nothing else is stored in between, and on return the submission is on disk. A log's
        signature of a second tree of the same size is kept even if the submission is refused, as
        proof against the log. The keys `known` for the log, the oldest first, are kept if they have
        signed; once a newer key has signed, an older key is refused.

        Raises:
            LedgerError: if the submission cannot be stored; then nothing is.
            NoteError: if none of the `known` keys has signed the submission.
        """
        by = _signed_by(submission.note, known) if known else []
        origin = submission.checkpoint.origin
        with self._connection() as connection, _transaction(connection):
            seen, note = _seen(connection, origin)
            if rules.is_contradiction(submission.checkpoint, seen) and note:
                _store_contradiction(connection, submission, note)
            heard = _accepted_keys(connection, origin, note, known) if known else []
            refusal = rules.check_superseded(by, known, heard) if known else None
            refusal = refusal or judge(submission, seen)
            if refusal is None:
                _store(connection, submission)
                connection.executemany(
                    "INSERT OR IGNORE INTO heard (origin, key) VALUES (?, ?)",
                    [(origin, key) for key in (*heard, *map(str, by))],
                )
        return refusal

    @contextmanager
    def _connection(self, mode: str = "rw") -> Iterator[sqlite3.Connection]:
        """A connection that never recreates the file if it vanishes while the witness runs."""
        uri = f"file:{quote(str(self._file.absolute()))}?mode={mode}"
        connection = None
        try:
            connection = sqlite3.connect(uri, uri=True, timeout=_BUSY_S, isolation_level=None)
            connection.execute("PRAGMA synchronous = EXTRA")
            yield connection
        except sqlite3.Error as error:
            raise LedgerError(file=self._file, detail=str(error)) from error
        finally:
            if connection is not None:
                connection.close()

    def _bring_up_to_date(self, connection: sqlite3.Connection) -> None:
        if _version(connection) == 1:
            connection.executescript(_ADD_ACCEPTED_KEYS)
        if (version := _version(connection)) != _VERSION:
            detail = Cause.of(
                "ledger_of_other_program",
                "it is not of this program, or of another version of it ({version})",
                version=version,
            )
            raise LedgerError(file=self._file, detail=detail)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """A transaction that excludes other writers from the start."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.execute("COMMIT")


def _seen(connection: sqlite3.Connection, origin: str) -> tuple[Seen, str]:
    row = connection.execute(
        "SELECT size, root, note FROM seen WHERE origin = ?", (origin,)
    ).fetchone()
    return (NOTHING, "") if row is None else (Seen(row[0], row[1]), row[2])


def _store(connection: sqlite3.Connection, submission: Submission) -> None:
    new = submission.checkpoint
    connection.execute(
        "INSERT INTO seen (origin, size, root, note) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (origin) DO UPDATE SET "
        "size = excluded.size, root = excluded.root, note = excluded.note",
        (new.origin, new.size, new.root, str(submission.note)),
    )


def _accepted_keys(
    connection: sqlite3.Connection, origin: str, note: str, known: Sequence[VerifierKey]
) -> list[str]:
    """The keys under which a log's submissions were ever accepted, in that order.

    For a file of an older version, these are the keys that have signed the last checkpoint seen.
    """
    rows = connection.execute("SELECT key FROM heard WHERE origin = ? ORDER BY n", (origin,))
    found = [str(key) for (key,) in rows]
    if found or not note:
        return found
    try:
        return [str(key) for key in _signed_by(parse(note), known)]
    except NoteError:
        # The keys that signed it are not known any more.
        return []


def _signed_by(note: Note, known: Sequence[VerifierKey]) -> list[VerifierKey]:
    """The known keys that have signed the note, the oldest first."""
    by = verified_keys(note, known)
    return [key for key in known if key in by]


def _store_contradiction(connection: sqlite3.Connection, submission: Submission, seen: str) -> None:
    new = submission.checkpoint
    connection.execute(
        "INSERT OR IGNORE INTO contradictions (origin, size, root, note, seen) "
        "SELECT ?, ?, ?, ?, ? "
        "WHERE (SELECT count(*) FROM contradictions WHERE origin = ?) < ?",
        (new.origin, new.size, new.root, str(submission.note), seen, new.origin,
         MAX_CONTRADICTIONS),
    )  # fmt: skip
