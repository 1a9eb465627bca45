"""Signing checkpoints: when a checkpoint is due, which keys sign it, and why signing is refused.

A checkpoint is signed only if its entries are committed and if the log begins with the last signed
tree. That tree is in the table of checkpoints and in a file beside the private key; the file stays
correct if somebody rewrites or restores the whole database.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, select

from incidents.audit.log import consistency, signed_files, signers_lock
from incidents.audit.log.signers_lock import PATIENCE_S, SignsElsewhereError
from incidents.audit.log.signing_key import KeyRing, SigningKeyError
from incidents.errors import Cause
from incidents.record.entry import decode
from incidents.record.own_events import LogKeyMade
from incidents.store.archive import whole
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.log import checkpoints, leaves
from incidents.store.log.checkpoints import Signed
from incidents.store.schema.desk_tables import DESK_STREAM, entries
from incidents.tlog import note
from incidents.tlog.keys import Signer, VerifierKey
from incidents.tlog.note import Checkpoint
from incidents.tlog.tree import Frontier

AT_MOST_EACH = timedelta(seconds=1)
AT_LEAST_EACH = timedelta(hours=1)

NO_KEY = Cause.of("log_no_key", "the log has no key yet. To make one, run: incidents audit key new")


@dataclass(frozen=True, slots=True)
class Signing:
    """The result of an attempt to sign: the checkpoint, or why there is none.

    If no checkpoint was due, there is neither. `elsewhere`: this process has the key, but the log
    is signed in another place. That is an error if no process signs there.
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

    If there are new entries, a checkpoint is due once a second, or now if `at_once` is set;
    otherwise once an hour. Setting the clock back delays no checkpoint.
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
    is_daemon: bool = False,
) -> Signing:
    """Sign the checkpoint that is due at `now`; `is_daemon`: the caller signs repeatedly.

    Raises:
        InconsistentLogError: if the log does not begin with the entries signed before.
        HeldError: if another process holds the lock for longer than `patience_s`.
        SigningKeyError: if the key cannot be used.
        DatabaseError, FileError: if the database or the disk fails.
    """
    with plainly(engine), reading(engine) as connection:
        # Without anything to sign, no lock is needed, and no folder for it.
        due = _due(connection, ring, now, None, at_once=at_once)
    if isinstance(due, Signing):
        return due
    with signers_lock.held(ring.file, patience_s) as place:
        return sign_locked(engine, ring, now, place, at_once=at_once, is_daemon=is_daemon)


def sign_locked(
    engine: Engine,
    ring: KeyRing,
    now: datetime,
    place: str,
    *,
    at_once: bool = False,
    is_daemon: bool = False,
    claims: bool = False,
) -> Signing:
    """Sign like `sign`, for a caller that holds the signers' lock of `place`.

    With `claims`, that place becomes the place where the log is signed. Raises the same errors as
    `sign`.
    """
    with plainly(engine), reading(engine) as connection:
        due = _due(connection, ring, now, place, at_once=at_once, claims=claims)
        if isinstance(due, Signing):
            return due
        found, signers = due
        consistency.check_begins_with_signed(
            connection, found.checkpoint, found.last, ring.file, found.keys
        )
    # Outside of a transaction: a command may take long, and SQLite has one writer.
    written = str(note.sign_note(found.checkpoint.text, *signers))
    # First to a file that no restored database replaces, then to the table.
    signed_files.save(ring.file, written, found.keys)
    new = Signed(0, found.size, found.root, written, str(found.keys[-1]), now)
    with plainly(engine), writing(engine) as connection:
        # A checkpoint is kept only after it was compared with the last one.
        after = None if found.last is None else found.last.id
        if not checkpoints.add(connection, new, after=after, place=place, is_daemon=is_daemon):
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
    """Return the log to sign now, with its signers, or why this process does not sign now."""
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
            return Signing(unable=_missing_key(ring, key))
        signers.append(signer)
    return found, signers


def _elsewhere(ring: KeyRing, keys: Iterable[VerifierKey], wrong: SignsElsewhereError) -> Signing:
    try:
        absent = [key for key in keys if ring.signer(str(key)) is None]
    except SigningKeyError:
        # There is a key, but its state is unknown.
        absent = []
    if absent:
        return Signing(unable=_missing_key(ring, absent[0]))
    return Signing(unable=wrong.message, elsewhere=wrong)


def _missing_key(ring: KeyRing, key: VerifierKey) -> str:
    absent = "the key {key} is not on this machine ({file})"
    return Cause.of("log_key_absent", absent, key=str(key), file=str(ring.file))


def log(connection: Connection) -> Log | None:
    """Return the log to sign next; None before the log has a key."""
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
    """Whether the key that an entry of the desk's stream names replaced a lost key."""
    of = entries.c
    wanted = select(of.body).where(of.site_id == DESK_STREAM, of.site_seq == seq)
    own = whole.of_site(connection, DESK_STREAM)
    [(body,)] = whole.all_rows(connection, wanted, own, newest_first=True, most=1)
    _, event = decode(body)
    return isinstance(event, LogKeyMade) and event.lost
