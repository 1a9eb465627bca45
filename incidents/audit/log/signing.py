"""The signing of checkpoints: when, by which keys, and when it is refused.

A checkpoint is signed only if its entries are committed, and if the log begins with what was signed
last. That is in the table of checkpoints and in a file beside the private key, which stays true if
somebody rewrites or restores the whole database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, select

from incidents.audit.log import sequencer, signed_files, signers_lock
from incidents.audit.log.signed_files import InconsistentLogError, Kept
from incidents.audit.log.signers_lock import PATIENCE_S, SignsElsewhereError
from incidents.audit.log.signing_key import KeyRing, SigningKeyError
from incidents.errors import Cause, IncidentsError
from incidents.record.entry import decode
from incidents.record.own_events import LogKeyMade
from incidents.store import checkpoints, leaves
from incidents.store.checkpoints import Signed
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.tlog import note, proof
from incidents.tlog.keys import KeyFormatError, Signer, VerifierKey
from incidents.tlog.note import Checkpoint, CheckpointError, NoteError
from incidents.tlog.tree import Frontier

AT_MOST_EACH = timedelta(seconds=1)
AT_LEAST_EACH = timedelta(hours=1)

NO_KEY = Cause.of("log_no_key", "the log has no key yet: make one with `incidents audit key new`")


@dataclass(frozen=True, slots=True)
class Signing:
    """The result of an attempt: the checkpoint, or why there is none; neither if none is due.

    `elsewhere`: this process has the key, but the log is signed in another place. That is wrong if
    no process signs there.
    """

    made: Signed | None = None
    unable: str | None = None
    elsewhere: SignsElsewhereError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The log to sign: its tree, its keys with the active one last, and its last checkpoint.

    `is_first`: the active key has not signed before.
    """

    size: int
    root: bytes
    keys: tuple[VerifierKey, ...]
    is_first: bool
    last: Signed | None
    covers_key: bool

    @property
    def checkpoint(self) -> Checkpoint:
        """The checkpoint to sign."""
        return Checkpoint(self.keys[-1].name, self.size, self.root)


def is_due(now: datetime, size: int, last: Signed | None, *, at_once: bool = False) -> bool:
    """Whether a checkpoint of `size` entries is due at `now`.

    With new entries (or `at_once`) at most each second, otherwise each hour. A clock that was set
    back delays nothing.
    """
    if size == 0:
        return False
    if last is None:
        return True
    since = now - last.signed_at
    if since < timedelta(0):
        return size > last.size
    if size > last.size:
        return at_once or since >= AT_MOST_EACH
    return since >= AT_LEAST_EACH


def sign(
    engine: Engine,
    ring: KeyRing,
    now: datetime,
    *,
    at_once: bool = False,
    patience_s: float = PATIENCE_S,
    stays: bool = False,
) -> Signing:
    """Sign the checkpoint that is due at `now`. `stays`: the caller will sign again and again.

    Raises:
        InconsistentLogError: if the log is not what was signed before.
        HeldError: if another process signs for longer than `patience_s`.
        SigningKeyError: if the key cannot be used.
        DatabaseError, FileError: if the database or the disk fails.
    """
    with plainly(engine), reading(engine) as connection:
        # Without anything to sign, no lock is needed, and no folder for it.
        due = _due(connection, ring, now, None, at_once=at_once)
    if isinstance(due, Signing):
        return due
    with signers_lock.held(ring.file, patience_s) as place:
        return sign_held(engine, ring, now, place, at_once=at_once, stays=stays)


def sign_held(
    engine: Engine,
    ring: KeyRing,
    now: datetime,
    place: str,
    *,
    at_once: bool = False,
    stays: bool = False,
    claims: bool = False,
) -> Signing:
    """Sign like `sign`, for a caller that holds the signers' lock of `place`.

    With `claims` the log is signed from now on at that place. Raises as `sign` does.
    """
    with plainly(engine), reading(engine) as connection:
        due = _due(connection, ring, now, place, at_once=at_once, claims=claims)
        if isinstance(due, Signing):
            return due
        found, signers = due
        check_last_signed(connection, found.checkpoint, found.last, ring.file, found.keys)
    # Outside of a transaction: a command may take long, and SQLite has one writer.
    written = str(note.sign_note(found.checkpoint.text, *signers))
    # First to a file that no restored database replaces, then to the table.
    signed_files.keep(ring.file, written, found.keys)
    new = Signed(0, found.size, found.root, written, str(found.keys[-1]), now)
    with plainly(engine), writing(engine) as connection:
        # A checkpoint is kept only after it was compared with the last one.
        after = None if found.last is None else found.last.id
        if not checkpoints.add(connection, new, after=after, place=place, is_daemon=stays):
            return Signing()
    return Signing(made=new)


def _due(
    connection: Connection,
    ring: KeyRing,
    now: datetime,
    place: str | None,
    *,
    at_once: bool,
    claims: bool = False,
) -> Signing | tuple[Log, list[Signer]]:
    """The log to sign now, with its signers; or why this process, if at `place`, signs nothing."""
    found = log(connection)
    if found is None:
        return Signing(unable=NO_KEY)
    is_now = is_due(now, found.size, found.last, at_once=at_once or found.is_first)
    # Before the key's entry is numbered, it is unclear why another key signs.
    if not is_now or not found.covers_key:
        return Signing()
    # First: if the log is signed elsewhere, the state of a key here does not matter.
    if not claims:
        known = checkpoints.signing_place(connection)
        try:
            signers_lock.check(ring.file, place or signers_lock.place_id(ring.file), known)
        except SignsElsewhereError as wrong:
            return _elsewhere(ring, found.keys, wrong)
    signers = []
    for key in found.keys:
        signer = ring.signer(str(key))
        if signer is None:
            return Signing(unable=_absent(ring, key))
        signers.append(signer)
    return found, signers


def _elsewhere(ring: KeyRing, keys: Iterable[VerifierKey], wrong: SignsElsewhereError) -> Signing:
    try:
        absent = [key for key in keys if ring.signer(str(key)) is None]
    except SigningKeyError:
        # There is a key, but its state is unknown.
        absent = []
    if absent:
        return Signing(unable=_absent(ring, absent[0]))
    return Signing(unable=wrong.message, elsewhere=wrong)


def _absent(ring: KeyRing, key: VerifierKey) -> str:
    absent = "the key {key} is not on this machine ({file})"
    return Cause.of("log_key_absent", absent, key=str(key), file=str(ring.file))


def log(connection: Connection) -> Log | None:
    """The log to sign next; None before the first key."""
    active = checkpoints.active(connection)
    if active is None:
        return None
    head, last = leaves.head(connection), checkpoints.last(connection)
    *before, made = checkpoints.every_key(connection).values()
    is_first = last is None or last.key != active
    keys = [active]
    if before and is_first and not was_lost(connection, made.seq):
        keys.insert(0, before[-1].key)
    return Log(
        size=head.size,
        root=Frontier.from_bytes(head.size, head.frontier).root(),
        keys=tuple(map(VerifierKey.parse, keys)),
        is_first=is_first,
        last=last,
        covers_key=leaves.is_covered(connection, DESK_STREAM, made.seq, head.size),
    )


def was_lost(connection: Connection, seq: int) -> bool:
    """Whether the key that this entry of the desk's stream names follows a lost one."""
    of = entries.c
    wanted = select(of.body).where(of.site_id == DESK_STREAM, of.site_seq == seq)
    _, event = decode(connection.execute(wanted).scalar_one())
    return isinstance(event, LogKeyMade) and event.lost


_VERIFY = Cause.of("way_verify", "see `incidents audit verify`, and restore the database as it was")
_RECOVER = Cause.of(
    "way_recover",
    "the key signed that, whatever this database says: restore the database that has it, or,"
    " if it is lost for good: incidents recover --reason R",
)


class DifferentError(Exception):
    """In which way the log is not what was signed."""


def check_last_signed(
    connection: Connection,
    log: Checkpoint,
    last: Signed | None,
    key_file: Path,
    keys: Iterable[VerifierKey],
) -> None:
    """Check that the log to be signed begins with the last signed notes, of all keys and of these.

    Raises:
        InconsistentLogError: if it does not, or if that is unknown, with the way out.
        FileError: if a file beside the key's cannot be read.
    """
    try:
        if last is not None:
            _compare(connection, log, _opened(connection, last))
    except DifferentError as error:
        raise InconsistentLogError(detail=error.args[0], way_out=_VERIFY) from error
    for kept in (kept for key in keys for kept in signed_files.read(key_file, key)):
        try:
            compare_with_kept(connection, log, kept)
        except DifferentError as error:
            detail = Cause.of("of_file", "{error} ({file})", error=error.args[0], file=kept.file)
            raise InconsistentLogError(detail=detail, way_out=_RECOVER) from error


def compare_with_kept(connection: Connection, log: Checkpoint, kept: Kept) -> None:
    """Raise DifferentError unless the log begins with the note that a key signed last."""
    _compare(
        connection,
        log,
        _parsed(kept.note, Cause.of("signed_last", "the last checkpoint of the key")),
    )


def _opened(connection: Connection, last: Signed) -> Checkpoint:
    """The last checkpoint of the table, if a key of the log has signed it."""
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
