"""The recovery of a lost end: record and log go on, and the world agrees with them.

The steps of `incidents recover`, in an order in which they may be cut off between any two: then all
is as it was, and they are gone again. While the record and the log go on nobody else signs.

1. It is refused here, or a new key is made, which nobody else sees yet.
2. The record goes on, with what is known to be missing.
3. The new key is on record, as one that nobody hands over to. Only then is a shared file that
   nobody can read put aside. The new key signs what is left, and comes into the other's place. What
   the other signed last stays beside it for good.
4. Each site is compared with the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, Engine

from incidents.audit.log import loss, rotation, sequencer, signed_files, signers_lock, status
from incidents.audit.log.signing_key import KeyRing
from incidents.desk import Desk, resumption
from incidents.enforcement import comparison, routing
from incidents.enforcement.dispatcher import mark
from incidents.enforcement.dispatcher.continuity import Continuity
from incidents.enforcement.reconciliation import Comparison
from incidents.errors import ActRefusedError, RefusedError
from incidents.locale import refusal_words
from incidents.record.own_events import HistoryResumed
from incidents.store import checkpoints, monitoring
from incidents.store.database.engine import Reading
from incidents.store.desk_state import database_time
from incidents.tlog.keys import VerifierKey
from incidents.views.health import STALE_AFTER, is_heard
from incidents.views.left_down import resumptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, and why; with `sign_here` this machine signs from now on, by a new key, whoever did
    before. `public` is that key, where a command signs."""

    by: str
    login: str | None
    reason: str
    sign_here: bool = False
    public: str | None = None


class Outcome(NamedTuple):
    """From what the record goes on; the new key, if there is one; the most that is known to have
    been signed and to be missing, as far as it was not on record. `is_blind`: nobody here knows
    what was signed last, and so whether it is missing."""

    resumed: HistoryResumed
    key: VerifierKey | None = None
    lost: loss.Loss | None = None
    is_blind: bool = False


class SignerAtWorkError(RefusedError):
    """the daemon {daemon} is at work, and this log is signed beside another key file than {file}:
    is INCIDENTS_AUDIT_KEY set as that daemon has it? Only if the machine or folder where it was
    signed is lost for good: stop all daemons, and run this again {seconds} seconds later"""


class WayBack:
    """The way back of one database, for the machine that has `ring`; `clock` gives its time
    (UTC)."""

    def __init__(
        self,
        engine: Engine,
        desk: Desk,
        reading: Reading,
        ring: KeyRing,
        clock: Callable[[], datetime],
    ) -> None:
        self._engine, self._desk, self._reading, self._ring = engine, desk, reading, ring
        self._clock = clock
        self._continuity = Continuity(engine, desk, mark.beside(ring.file), clock)

    @property
    def in_the_way(self) -> str | None:
        """What is to be moved away from the place of the daemons' mark, once the record went on."""
        return self._continuity.in_the_way

    def go_on(self, asked: Asked, put_on_record: rotation.Replaces) -> Outcome:
        """Lets record and log go on.

        Raises:
            ActRefusedError: if it is not for who asks; nothing was done then.
            SettingError, UnknownSettingError, SettingsFileError: of [acts], by which the sites are
                to be compared; nothing was done then.
            SignsElsewhereError: if another place signs; nothing was done then.
            SignerAtWorkError: if it is to sign no more, and is at work; nothing was done then.
            HeldError: if somebody signs, and does not end; nothing was done then.
            InputError, RefusedError: if `public` is no new key, or was put on record by an attempt
                that was cut off: that takes a new one; nothing was done then.
            FileError, SigningKeyError, InconsistentLogError: if the new key cannot sign: what was
                done stands, and the same is to be done again.
        """
        self._refuse(asked)
        # Where [acts] is wrong no site could be compared.
        routing.load().close()
        if not self._signs():
            return Outcome(self._resumed(asked, None))
        # Looked at first: to take the lock makes a place.
        self._check(asked, signers_lock.place_id(self._ring.file))
        with signers_lock.held(self._ring.file) as place:
            is_here = self._check(asked, place)
            # What was signed may only have lost its numbers.
            sequencer.number_all(self._engine)
            is_torn = signed_files.is_share_torn(self._ring.file)
            signed_files.hand_down(self._ring.file)
            lost, most = self._lost()
            # Who says so knows that this place was put back, too.
            is_torn = is_torn or (lost is not None and lost.size is None)
            blind = not is_here or asked.sign_here or is_torn
            new = self._key(asked, place, lost, blind=blind)
            resumed = self._resumed(asked, most)
            if new is not None:
                rotation.finish(
                    self._engine, self._ring, place, new, put_on_record, lost=True, claims=True
                )
            known = None if most is None or most.size is None else most
            return Outcome(resumed, new, known, is_blind=blind and known is None)

    def foreseen(self, asked: Asked) -> list[Comparison]:
        """What `compared` would find and order again after `go_on`; nothing is done. Raises as both
        do where they refuse it."""
        self._refuse(asked)
        if self._signs():
            self._check(asked, signers_lock.place_id(self._ring.file))
        with self._reading() as connection:
            now = database_time(connection) or self._clock()
        return comparison.foreseen(
            self._desk, self._reading, by=asked.by, login=asked.login, now=now
        )

    def compared(self, asked: Asked) -> comparison.Done:
        """Compares each site with the world; what was done. Raises as does
        `comparison.compared`."""
        each = comparison.compared(
            self._engine, self._desk, self._reading, by=asked.by, login=asked.login
        )
        return comparison.done(each)

    def _refuse(self, asked: Asked) -> None:
        refused = partial(resumption.refused, by=asked.by, login=asked.login, clock=self._clock)
        refusal = self._desk.on_record(refused)
        if refusal is not None:
            raise ActRefusedError(
                refusal_words.sentence(refusal), name=refusal.name, facts=dict(refusal.facts)
            )

    def _signs(self) -> bool:
        """Whether anything can have been signed."""
        with self._reading() as connection:
            return checkpoints.active(connection) is not None

    def _check(self, asked: Asked, place: str | None) -> bool:
        """Whether the log is signed in this place, which has that id; if not, whoever asks has
        said that it is to be from now on, and nobody signs elsewhere.

        Raises:
            SignsElsewhereError, SignerAtWorkError: else.
        """
        try:
            self._refuse_elsewhere(place)
        except signers_lock.SignsElsewhereError:
            if not asked.sign_here:
                raise
            self._refuse_beside_daemon()
            return False
        return True

    def _refuse_elsewhere(self, place: str | None) -> None:
        with self._reading() as connection:
            known, key = checkpoints.signed_beside(connection), checkpoints.active(connection)
        signers_lock.check(self._ring.file, place, known)
        # Where the database does not know the place yet, it is where the key is.
        if known is None and self._ring.signer(str(key)) is None:
            raise signers_lock.SignsElsewhereError(file=self._ring.file)

    def _refuse_beside_daemon(self) -> None:
        with self._reading() as connection:
            daemon = _signer_at_work(connection, database_time(connection) or self._clock())
        if daemon is not None:
            seconds = round(STALE_AFTER.total_seconds())
            raise SignerAtWorkError(daemon=daemon, file=self._ring.file, seconds=seconds)

    def _lost(self) -> tuple[loss.Loss | None, loss.Loss | None]:
        """What the key that would sign has signed and is missing; and the most that is to be put on
        record, whichever key has signed it."""
        files = signed_files.known(self._ring.file).whole()
        with self._reading() as connection:
            lost = loss.known(connection, files)
            told = {each.signed for each in resumptions(connection)}
            most = loss.largest_unanswered(connection, files, told) or lost
        if most is not None:
            most = most._replace(kept=signed_files.lasting(most.kept, files))
        return lost, most

    def _key(
        self, asked: Asked, place: str, lost: loss.Loss | None, *, blind: bool
    ) -> VerifierKey | None:
        """The key that is to sign: another one where one has signed what is lost; and where nobody
        here knows what it has signed last."""
        if lost is None and not blind:
            return rotation.begun(self._engine, self._ring)
        return rotation.begin(
            self._engine, self._ring, place, public=asked.public, lost=True, another=True,
            fresh=blind,
        )  # fmt: skip

    def _resumed(self, asked: Asked, lost: loss.Loss | None) -> HistoryResumed:
        return self._continuity.resume(
            resumption.Resumption(
                cause=resumption.ASKED, by=asked.by, login=asked.login, reason=asked.reason,
                signed=lost and lost.size,
            )
        )  # fmt: skip


def _signer_at_work(connection: Connection, now: datetime) -> str | None:
    """A daemon that is heard of at `now` (UTC), where what is to be signed is, or was refused by
    who knows what was signed last."""
    how = checkpoints.signs(connection).how
    signs = how != checkpoints.FAILED and status.document(connection, now)["signs"]
    if how != checkpoints.REFUSED and not signs:
        return None
    beats = monitoring.known_daemons(connection)
    return next((each.daemon for each in beats if not each.once and is_heard(each, now)), None)
