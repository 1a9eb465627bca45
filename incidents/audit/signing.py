"""The signing: when a checkpoint of the log is made, by which keys, and when it is refused.

Whatever leaves this program was committed before, and is consistent with all that was signed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from incidents.audit import last_signed
from incidents.audit.signing_key import KeyRing
from incidents.store import checkpoints, leaves, log_keys
from incidents.store.checkpoints import Signed
from incidents.store.engine import plainly, reading, writing
from incidents.store.tables import DESK_STREAM
from incidents.tlog import note
from incidents.tlog.checkpoint import Checkpoint
from incidents.tlog.keys import VerifierKey
from incidents.tlog.tree import Frontier

AT_MOST_EACH = timedelta(seconds=1)
AT_LEAST_EACH = timedelta(hours=1)

ELSEWHERE = (
    "what was signed last is known beside another key file than {file}: all that sign this log need"
    " the same folder for it, or one signs alone (`incidents recover --sign-here`)"
)
LOST = (
    "the key {key} has signed what is lost, and would sign a second history: `incidents recover`"
    " lets a new one sign"
)
ABSENT = "the key {key} is not on this machine ({file})"
NO_KEY = "the log has no key yet: make one with `incidents audit key new`"


@dataclass(frozen=True, slots=True)
class Signing:
    """What came of it: the checkpoint that was made, or why this process makes none.

    Neither, if none is due.
    """

    made: Signed | None = None
    unable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """What is to be signed: the tree, the key that signs now and the one before it, and the last
    checkpoint."""

    size: int
    root: bytes
    key: VerifierKey
    previous: str | None
    last: Signed | None
    covers_key: bool

    @property
    def hands_over(self) -> bool:
        """Whether the key signs for the first time, and so together with the one before."""
        has_signed = self.last is not None and self.last.key == str(self.key)
        return self.previous is not None and not has_signed

    @property
    def signers(self) -> list[str]:
        """The keys that are to sign it."""
        own = str(self.key)
        return [self.previous, own] if self.previous and self.hands_over else [own]

    @property
    def checkpoint(self) -> Checkpoint:
        """What is signed."""
        return Checkpoint(self.key.name, self.size, self.root)


def is_due(now: datetime, size: int, last: Signed | None, *, at_once: bool = False) -> bool:
    """Whether a checkpoint of `size` entries is due at `now`: at most each second when there is
    something new (or `at_once`), each hour in any case. A clock that was set back holds up nothing.
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
    engine: Engine, ring: KeyRing, now: datetime, *, at_once: bool = False, handover: bool = True
) -> Signing:
    """Makes the checkpoint that is due at `now`; `handover=False` if the last key is lost.

    Raises:
        InconsistentLogError: if the log is not what was signed before.
        SigningKeyError: if the key cannot be used.
        DatabaseError, FileError: when the database or the disk does not do its part.
    """
    if not (ring.is_command or ring.file.parent.is_dir()):
        return _unable_without_folder(engine, ring)
    with last_signed.held(ring.file) as word:
        with plainly(engine), reading(engine) as connection:
            log = _log(connection)
            if log is None:
                return Signing(unable=NO_KEY)
            if not is_due(now, log.size, log.last, at_once=at_once or log.hands_over):
                return Signing()
            # Nobody could tell from an earlier one why another key signs.
            if not log.covers_key:
                return Signing()
            lost = {key for key in log.signers if _has_signed_lost(key, ring)}
            if str(log.key) in lost:
                return Signing(unable=LOST.format(key=log.key))
            by = [key for key in log.signers if key not in lost] if handover else [str(log.key)]
            signers = {key: ring.signer(key) for key in by}
            for key, signer in signers.items():
                if signer is None:
                    return Signing(unable=ABSENT.format(key=key, file=ring.file))
            if checkpoints.signed_beside(connection) not in (None, word):
                return Signing(unable=ELSEWHERE.format(file=last_signed.beside(ring.file)))
            last_signed.check(connection, log.checkpoint, log.last, ring.file)
        # Outside of any transaction: a command may take its time, and SQLite has one writer.
        written = str(note.signed(log.checkpoint.text, *(s for s in signers.values() if s)))
        # First where no restored database reaches, then where others see it.
        last_signed.keep(ring.file, written)
        new = Signed(0, log.size, log.root, written, str(log.key), now)
        return _kept(engine, new, log.last, word)


def _unable_without_folder(engine: Engine, ring: KeyRing) -> Signing:
    """There is no key here, nor a place for the lock of those who sign with one."""
    with plainly(engine), reading(engine) as connection:
        key = log_keys.active(connection)
    return Signing(unable=NO_KEY if key is None else ABSENT.format(key=key, file=ring.file))


def _has_signed_lost(key: str, ring: KeyRing) -> bool:
    return last_signed.has_signed_lost(VerifierKey.parse(key), ring.file)


def _log(connection: Connection) -> _Log | None:
    active = log_keys.active(connection)
    if active is None:
        return None
    head = leaves.head(connection)
    *before, made = log_keys.every(connection).values()
    return _Log(
        size=head.size,
        root=Frontier.from_bytes(head.size, head.frontier).root(),
        key=VerifierKey.parse(active),
        previous=before[-1].key if before else None,
        last=checkpoints.last(connection),
        covers_key=leaves.is_covered(connection, DESK_STREAM, made.seq, head.size),
    )


def _kept(engine: Engine, new: Signed, last: Signed | None, word: str) -> Signing:
    with plainly(engine), writing(engine) as connection:
        # What was not compared with the last one is not kept.
        after = None if last is None else last.id
        if not checkpoints.add(connection, new, after=after, beside=word):
            return Signing()
    return Signing(made=new)
