"""The record duty: number the entries, sign the log, and publish it.

The duty has its own threads, so that it never delays deadlines or the heartbeat. Each of its parts
can fail without the others: entries are numbered even if the log is not signed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from threading import Event, Thread

from sqlalchemy import Connection

from incidents.app import App
from incidents.audit.log import (
    loss,
    publishing,
    sequencer,
    signers_lock,
    signing,
    stamp,
    status,
    witnesses,
)
from incidents.audit.log.signed_files import InconsistentLogError
from incidents.audit.log.signing_key import KeyRing
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.errors import DatabaseError, IncidentsError
from incidents.store.database import schema
from incidents.store.database.engine import plainly, writing
from incidents.store.log import checkpoints

TICK_S = 0.25
"""The interval of the duty's rounds.

Checkpoints are one second apart; with shorter rounds, a new entry rarely misses the next one.
"""

_LOOK_S = 1.0
_MARK_S = 30.0
_NET_S = 3_600.0


class Record:
    """The record duty of one daemon, run by one thread.

    `at_once`: for a single run, which does not wait a second after the last checkpoint.
    """

    def __init__(
        self,
        app: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        say: Callable[..., None] = journal.info,
        at_once: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Open it in the constructor: two threads would open it twice.
        self._bare_engine = app.bare_engine
        self._app = app
        self._stopped = stopped
        self._say = say
        self._at_once = at_once
        self._monotonic = monotonic
        self.settings = status.load_settings(app.settings)
        self._ring = KeyRing(self.settings.key, self.settings.key_command)
        self._numbering = Part("the entries are not numbered", monotonic)
        self._looking = Part("unnumbered entries are not searched for", monotonic)
        self._signing = Part("the log is not signed", monotonic)
        self._publishing = Part("the log is not published", monotonic)
        self._new = True
        self._fails = False
        self._held_since: float | None = None
        self._unable: str | None = None
        self._look_at = self._mark_at = self._net_at = monotonic()

    def run(self) -> None:
        """Do one round of the duty; a failure does not prevent the next round."""
        if self._stopped() or not self._numbering.attempt(self._number):
            return
        now = self._monotonic()
        if now >= self._net_at:
            self._net_at = now + _NET_S
            self._looking.attempt(self._look_for_missed)
        if not self._new and now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        self._signing.attempt(self._sign)
        self.publish()

    def publish(self) -> None:
        """Update the published folder to the last checkpoint, if the settings name a folder."""
        folder = self.settings.publish
        if folder is not None:
            self._publishing.attempt(partial(publishing.publish, self._app.engine, folder))

    def _number(self) -> None:
        engine = self._app.engine
        # The schema may have been upgraded since, so that this program must not write.
        schema.check(engine)
        if sequencer.number_all(engine, self._stopped):
            self._new = True

    def _look_for_missed(self) -> None:
        found = sequencer.number_missed(self._app.engine)
        if found:
            self._new = True
            journal.error("found and numbered entries without a number", count=found)

    def _sign(self) -> None:
        with self._app.reading() as connection:
            now = self._app.now(connection)
        try:
            done = self._try_to_sign(now)
            self._refuse_loss(done, now)
        except DatabaseError:
            raise
        except IncidentsError as error:
            self._fails = self._record_failure(error, now)
            raise
        if self._fails and done.unable is None:
            self._write(checkpoints.record_signing_recovery)
        self._fails = False
        if done.made is not None:
            self._new = False
        if done.unable is not None:
            self._new = False
            if done.unable != self._unable:
                self._say("the log is numbered but not signed here", reason=done.unable)
        elif self._unable is not None and done.made is not None:
            self._say("the log is signed here")
        if done.made is not None or done.unable is not None:
            self._unable = done.unable

    def _try_to_sign(self, now: datetime) -> signing.Signing:
        """Sign the log.

        If another process holds the signer's lock, sign nothing; if it holds the lock for long,
        raise an error.
        """
        patience_s = signers_lock.PATIENCE_S if self._at_once else 0
        try:
            done = signing.sign(
                self._app.engine, self._ring, now,
                at_once=self._at_once, patience_s=patience_s, is_daemon=not self._at_once,
            )  # fmt: skip
        except signers_lock.HeldError:
            self._held_since = self._held_since or self._monotonic()
            if self._at_once or self._monotonic() - self._held_since >= signers_lock.PATIENCE_S:
                raise
            return signing.Signing()
        self._held_since = None
        return done

    def _refuse_loss(self, done: signing.Signing, now: datetime) -> None:
        """Check for lost entries where signing did not: nobody signs, or there is nothing new."""
        if done.unable not in (None, signing.NO_KEY) and self._is_signing_late(now):
            # Nobody signs: an error if signed entries are missing, or if the key is here.
            loss.check(self._app.engine, self._ring.file)
            if done.elsewhere is not None:
                raise done.elsewhere
        if done == signing.Signing() and (self._fails or self._monotonic() >= self._mark_at):
            with self._app.reading() as connection:
                place = checkpoints.signing_place(connection)
            if place in (None, signers_lock.place_id(self._ring.file)):
                loss.check(self._app.engine, self._ring.file)
            self._mark_at = self._monotonic() + _MARK_S

    def _is_signing_late(self, now: datetime) -> bool:
        """Whether nobody signs the log, so that entries have waited for more than a minute."""
        with self._app.reading() as connection:
            return status.waiting_since(connection, now) is not None

    def _record_failure(self, error: IncidentsError, now: datetime) -> bool:
        """Record the failure of signing.

        Return False, and record nothing, if another process signs or if a refusal is already on
        record.
        """
        refused = isinstance(error, InconsistentLogError | loss.LossKnownError)
        how = checkpoints.REFUSED if refused else checkpoints.FAILED
        with self._app.reading() as connection:
            known = checkpoints.signing_state(connection).how
        if how == checkpoints.FAILED and (
            known == checkpoints.REFUSED or not self._is_signing_late(now)
        ):
            return False
        if known != how:
            self._write(partial(checkpoints.record_signing_failure, how=how, now=now))
        return True

    def _write(self, what: Callable[[Connection], object]) -> None:
        engine = self._app.engine
        with plainly(engine), writing(engine) as connection:
            what(connection)


class WitnessRequests:
    """The requests for witness signatures and time stamps, each in its own thread.

    No request waits for another, and the daemon waits for none of them: late answers are dropped.
    """

    def __init__(self, app: App, record: Record, stop: Event) -> None:
        self._stop = stop
        self._threads = [
            Thread(target=self._keep_asking, args=asked, daemon=True, name=asked[0])
            for asked in _outside_requests(app, record)
        ]

    def start(self) -> None:
        """Start the threads, which run until the stop event is set."""
        for thread in self._threads:
            thread.start()

    def _keep_asking(self, wrong: str, ask: Callable[[], object]) -> None:
        part = Part(wrong)
        while not self._stop.wait(_LOOK_S):
            part.attempt(ask)


def once(app: App) -> None:
    """Number, sign and publish the entries, and ask each witness once (`daemon --once`).

    This runs after due deadlines were enforced. Errors appear in the log and in `audit status`.
    """
    # In cron each line would become a mail, each minute, on a machine without a key.
    record = Record(app, say=lambda *_, **__: None, at_once=True)
    record.run()
    for wrong, ask in _outside_requests(app, record):
        Part(wrong).attempt(ask)
    if record.settings.witnesses:
        record.publish()


def _outside_requests(app: App, record: Record) -> Iterator[tuple[str, Callable[[], object]]]:
    """The requests to witnesses and time-stamp authorities, each with its failure sentence."""
    for witness in record.settings.witnesses:
        yield f"the log is not witnessed by {witness.key.name}", partial(_ask, app, witness)
    if record.settings.timestamps is not None:
        yield "the log is not time-stamped", partial(_stamp, app, record.settings.timestamps)


def _ask(app: App, witness: witnesses.Witness) -> None:
    witnesses.cosign_last(app.engine, witness)


def _stamp(app: App, authority: stamp.Authority) -> None:
    with app.reading() as connection:
        now = app.now(connection)
    stamp.stamp_last(app.engine, authority, now)
