"""The recovery after a loss: resume record and log, and make the live system agree with them.

These are the steps of `incidents recover`. If the command is interrupted between any two steps, it
can be run again. Nobody else signs while the record and the log are being resumed.

1. Check the request, and make a new key that is not yet on record. If refused, nothing changes. 2.
Resume the record, with the known loss. 3. Put the new key on record, without a signature of the old
one. Only then move an unreadable shared file aside. The new key signs the remaining entries, and
replaces the old one. The last note of the old key stays in the same folder permanently. 4. Compare
each site with its actual state.
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
from incidents.enforcement.verdict import Comparison
from incidents.errors import ActionRefusedError, RefusedError
from incidents.locale import refusals
from incidents.record.own_events import HistoryResumed
from incidents.store import monitoring
from incidents.store.database.engine import Reading
from incidents.store.desk_state import database_time
from incidents.store.log import checkpoints
from incidents.tlog.keys import VerifierKey
from incidents.views.health import STALE_AFTER, is_alive
from incidents.views.left_down import resumptions


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRequest:
    """A person's request to recover, with the reason.

    `sign_here`: this machine signs from now on, with a new key. `public`: the public key, if an
    external command signs.
    """

    by: str
    login: str | None
    reason: str
    sign_here: bool = False
    public: str | None = None


class Outcome(NamedTuple):
    """The point from which the record continues, and the new key, if there is one.

    `lost`: the largest known loss of signed entries, unless it was already on record.
    `is_loss_unknown`: this machine does not know the last signed entry, so a loss cannot be
    excluded.
    """

    resumed: HistoryResumed
    key: VerifierKey | None = None
    lost: loss.Loss | None = None
    is_loss_unknown: bool = False


class SignerAtWorkError(RefusedError):
    """the daemon {daemon} is running, and this log is signed beside another key file than {file}.
    Check that INCIDENTS_AUDIT_KEY matches that daemon. Only if the machine or folder that signed it
    is lost for good: stop all daemons, and run this again {seconds} seconds later"""


class HistoryRecovery:
    """The recovery of one database, on the machine that has the key ring; `clock` is in UTC."""

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
        self._continuity = Continuity(engine, desk, mark.mark_path(ring.file), clock)

    @property
    def obstacle(self) -> str | None:
        """The directory to move away from the path of the mark after the recovery; None if none."""
        return self._continuity.obstacle

    def resume(self, request: RecoveryRequest, put_on_record: rotation.Replaces) -> Outcome:
        """Resume the record and the log.

        If an error is raised, nothing has been changed, except for the last group of errors.

        Raises:
            ActionRefusedError: if the person is not allowed to resume.
            SettingError, UnknownSettingError, SettingsFileError: if [acts], by which the sites will
                be compared, is wrong.
            SignsElsewhereError: if another machine or folder signs.
            SignerAtWorkError: if the old signer, which must stop, is still signing.
            HeldError: if another process is signing and does not finish.
            InputError, RefusedError: if `public` is not a new key, or if an interrupted attempt
                recorded it: a repeated attempt requires another key.
            FileError, SigningKeyError, InconsistentLogError: if the new key cannot sign. Completed
                steps remain, and the call must be repeated.
        """
        self._refuse(request)
        # Check [acts] first: no site can be compared with wrong settings.
        routing.load().close()
        if not self._signs():
            return Outcome(self._resumed(request, None))
        # Read before locking, which creates a place.
        self._check(request, signers_lock.place_id(self._ring.file))
        with signers_lock.held(self._ring.file) as place:
            is_here = self._check(request, place)
            # Signed entries may have lost only their numbers.
            sequencer.number_all(self._engine)
            is_torn = signed_files.is_share_torn(self._ring.file)
            signed_files.copy_to_own_files(self._ring.file)
            lost, most = self._lost()
            # Such a loss means that this place was restored too.
            is_torn = is_torn or (lost is not None and lost.size is None)
            blind = not is_here or request.sign_here or is_torn
            new = self._key(request, place, lost, blind=blind)
            resumed = self._resumed(request, most)
            if new is not None:
                rotation.finish(
                    self._engine, self._ring, place, new, put_on_record, lost=True, claims=True
                )
            known = None if most is None or most.size is None else most
            return Outcome(resumed, new, known, is_loss_unknown=blind and known is None)

    def preview(self, request: RecoveryRequest) -> list[Comparison]:
        """Return what `compare_sites` would find after `resume`, without changes.

        Raises the errors of both methods.
        """
        self._refuse(request)
        if self._signs():
            self._check(request, signers_lock.place_id(self._ring.file))
        with self._reading() as connection:
            now = database_time(connection) or self._clock()
        return comparison.preview(
            self._desk, self._reading, by=request.by, login=request.login, now=now
        )

    def signed_anew(self, request: RecoveryRequest) -> tuple[bool, int | None]:
        """Whether a new key would sign after `resume`, and how many entries the old one signed.

        The number is None if none of these is known to be missing.
        """
        if not self._signs():
            return False, None
        lost, most = self._lost()
        return request.sign_here or lost is not None, None if most is None else most.size

    def compare_sites(self, request: RecoveryRequest) -> comparison.Summary:
        """Compare each site with its actual state and summarize.

        Raises the same errors as `comparison.compare_sites`.
        """
        each = comparison.compare_sites(
            self._engine, self._desk, self._reading, by=request.by, login=request.login
        )
        return comparison.summarize(each)

    def _refuse(self, request: RecoveryRequest) -> None:
        refused = partial(resumption.refused, by=request.by, login=request.login, clock=self._clock)
        refusal = self._desk.on_record(refused)
        if refusal is not None:
            raise ActionRefusedError(
                refusals.sentence(refusal), name=refusal.name, facts=dict(refusal.facts)
            )

    def _signs(self) -> bool:
        """Return whether the log has a signing key, so that entries might have been signed."""
        with self._reading() as connection:
            return checkpoints.active(connection) is not None

    def _check(self, request: RecoveryRequest, place: str | None) -> bool:
        """Check who signs, and return whether the log is signed beside this key file.

        `place` is the ID of this key file's folder. If the log is signed elsewhere, the request
        must be to sign here from now on, and no daemon may be signing.

        Raises:
            SignsElsewhereError, SignerAtWorkError: otherwise.
        """
        try:
            self._refuse_elsewhere(place)
        except signers_lock.SignsElsewhereError:
            if not request.sign_here:
                raise
            self._refuse_beside_daemon()
            return False
        return True

    def _refuse_elsewhere(self, place: str | None) -> None:
        with self._reading() as connection:
            known, key = checkpoints.signing_place(connection), checkpoints.active(connection)
        signers_lock.check(self._ring.file, place, known)
        # If the place is not recorded yet, it is where the key is.
        if known is None and self._ring.signer(str(key)) is None:
            raise signers_lock.SignsElsewhereError(file=self._ring.file)

    def _refuse_beside_daemon(self) -> None:
        with self._reading() as connection:
            daemon = _running_signer(connection, database_time(connection) or self._clock())
        if daemon is not None:
            seconds = round(STALE_AFTER.total_seconds())
            raise SignerAtWorkError(daemon=daemon, file=self._ring.file, seconds=seconds)

    def _lost(self) -> tuple[loss.Loss | None, loss.Loss | None]:
        """The loss of entries signed by the key in use here, and the largest loss under any key."""
        files = signed_files.read_folder(self._ring.file).whole()
        with self._reading() as connection:
            lost = loss.find(connection, files)
            answered = {each.signed for each in resumptions(connection)}
            most = loss.find_largest(connection, files, answered) or lost
        if most is not None:
            most = most._replace(kept=signed_files.permanent(most.kept, files))
        return lost, most

    def _key(
        self, request: RecoveryRequest, place: str, lost: loss.Loss | None, *, blind: bool
    ) -> VerifierKey | None:
        """The new key, or that of an unfinished change; None if the old key can stay in use."""
        if lost is None and not blind:
            return rotation.unfinished_key(self._engine, self._ring)
        return rotation.begin(
            self._engine, self._ring, place, public=request.public, lost=True, another=True,
            fresh=blind,
        )  # fmt: skip

    def _resumed(self, request: RecoveryRequest, lost: loss.Loss | None) -> HistoryResumed:
        return self._continuity.resume(
            resumption.Resumption(
                cause=resumption.ASKED, by=request.by, login=request.login, reason=request.reason,
                signed=lost and lost.size,
            )
        )  # fmt: skip


def _running_signer(connection: Connection, now: datetime) -> str | None:
    """A daemon that is alive at `now` (UTC), if the log is being signed; None otherwise.

    The log is being signed if entries are signed when due, or if a signer that knows the last
    signature refused them.
    """
    how = checkpoints.signing_state(connection).how
    signs = how != checkpoints.FAILED and status.progress(connection, now)["signs"]
    if how != checkpoints.REFUSED and not signs:
        return None
    beats = monitoring.known_daemons(connection)
    return next((each.daemon for each in beats if not each.once and is_alive(each, now)), None)
