"""The recovery of a lost end: record and log go on, and the world agrees with them.

These are the steps of `incidents recover`. They may be interrupted between any two, and are then
repeated. Nobody else signs while the record and the log are being resumed.

1. Refuse here, or make a new key that nobody else sees yet.
2. Resume the record, with what is known to be missing.
3. Put the new key on record, without a signature of the old one. Only then move an unreadable
   shared file aside. The new key signs what is left, and replaces the old one. What the old key
   signed last stays beside it for good.
4. Compare each site with the world.
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
from incidents.enforcement import comparison, mark, routing
from incidents.enforcement.continuity import Continuity
from incidents.enforcement.reconciliation import Comparison
from incidents.errors import ActRefusedError, RefusedError
from incidents.locale import refusals
from incidents.record.own_events import HistoryResumed
from incidents.store import checkpoints, monitoring
from incidents.store.database.engine import Reading
from incidents.store.desk_state import database_time
from incidents.tlog.keys import VerifierKey
from incidents.views.health import STALE_AFTER, is_alive
from incidents.views.left_down import resumptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who asks, and why. `sign_here`: from now on this machine signs, with a new key, whichever
    machine did before. `public`: that key, if a command signs."""

    by: str
    login: str | None
    reason: str
    sign_here: bool = False
    public: str | None = None


class Outcome(NamedTuple):
    """The point from which the record continues; the new key, if there is one; and the largest
    known loss of signed entries, unless it was on record. `is_blind`: it is unknown here what was
    signed last, and so whether that is missing."""

    resumed: HistoryResumed
    key: VerifierKey | None = None
    lost: loss.Loss | None = None
    is_blind: bool = False


class SignerAtWorkError(RefusedError):
    """the daemon {daemon} is running, and this log is signed beside another key file than {file}:
    does INCIDENTS_AUDIT_KEY match that daemon? Only if the machine or folder that signed it is lost
    for good: stop all daemons, and run this again {seconds} seconds later"""


class HistoryRecovery:
    """The recovery of one database on the machine with the key ring `ring`; `clock` is its clock
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
        """The file or folder to move away from the place of the daemons' mark after the resumption;
        None if nothing is in the way."""
        return self._continuity.in_the_way

    def go_on(self, asked: Asked, put_on_record: rotation.Replaces) -> Outcome:
        """Resume the record and the log.

        Raises:
            ActRefusedError: if the person may not do it; nothing was done.
            SettingError, UnknownSettingError, SettingsFileError: for [acts], by which the sites
                will be compared; nothing was done.
            SignsElsewhereError: if another place signs; nothing was done.
            SignerAtWorkError: if the old signer, which must stop, is at work; nothing was done.
            HeldError: if somebody is signing and does not finish; nothing was done.
            InputError, RefusedError: if `public` is not a new key, or if an interrupted attempt put
                it on record, which requires another key; nothing was done.
            FileError, SigningKeyError, InconsistentLogError: if the new key cannot sign; what was
                done remains, and the call has to be repeated.
        """
        self._refuse(asked)
        # With wrong settings in [acts] no site could be compared.
        routing.load().close()
        if not self._signs():
            return Outcome(self._resumed(asked, None))
        # Read first: taking the lock creates a place.
        self._check(asked, signers_lock.place_id(self._ring.file))
        with signers_lock.held(self._ring.file) as place:
            is_here = self._check(asked, place)
            # Signed entries may only have lost their numbers.
            sequencer.number_all(self._engine)
            is_torn = signed_files.is_share_torn(self._ring.file)
            signed_files.hand_down(self._ring.file)
            lost, most = self._lost()
            # Whoever says so knows that this place was restored too.
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
        """What `compared` would find and order again after `go_on`. Nothing is done; raises as both
        do when they refuse."""
        self._refuse(asked)
        if self._signs():
            self._check(asked, signers_lock.place_id(self._ring.file))
        with self._reading() as connection:
            now = database_time(connection) or self._clock()
        return comparison.foreseen(
            self._desk, self._reading, by=asked.by, login=asked.login, now=now
        )

    def compared(self, asked: Asked) -> comparison.Done:
        """Compare each site with the world, and return a summary; raises as
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
                refusals.sentence(refusal), name=refusal.name, facts=dict(refusal.facts)
            )

    def _signs(self) -> bool:
        """Whether anything may have been signed."""
        with self._reading() as connection:
            return checkpoints.active(connection) is not None

    def _check(self, asked: Asked, place: str | None) -> bool:
        """Whether the log is signed in this place, whose id is `place`.

        If not, the caller has asked to sign here from now on, and nobody signs elsewhere.

        Raises:
            SignsElsewhereError, SignerAtWorkError: otherwise.
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
            known, key = checkpoints.signing_place(connection), checkpoints.active(connection)
        signers_lock.check(self._ring.file, place, known)
        # If the database does not know the place yet, it is where the key is.
        if known is None and self._ring.signer(str(key)) is None:
            raise signers_lock.SignsElsewhereError(file=self._ring.file)

    def _refuse_beside_daemon(self) -> None:
        with self._reading() as connection:
            daemon = _signer_at_work(connection, database_time(connection) or self._clock())
        if daemon is not None:
            seconds = round(STALE_AFTER.total_seconds())
            raise SignerAtWorkError(daemon=daemon, file=self._ring.file, seconds=seconds)

    def _lost(self) -> tuple[loss.Loss | None, loss.Loss | None]:
        """The loss of entries signed by the key that would sign, and the largest loss to put on
        record, whichever key signed it."""
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
        """The new key to sign with, if the old one signed what is lost, or if it is unknown here
        what it signed last."""
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
    """A daemon that is beating at `now` (UTC), if entries are signed when due, or if a signer that
    knows what was signed last refused them."""
    how = checkpoints.signing_state(connection).how
    signs = how != checkpoints.FAILED and status.document(connection, now)["signs"]
    if how != checkpoints.REFUSED and not signs:
        return None
    beats = monitoring.known_daemons(connection)
    return next((each.daemon for each in beats if not each.once and is_alive(each, now)), None)
