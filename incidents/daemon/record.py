"""The duty of the record: number the entries, sign the log and publish it.

It has threads of its own, so that it never holds up the clock or the heartbeat; and each of its
parts may fail without the others: what is not signed is numbered all the same.
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
from incidents.store import checkpoints
from incidents.store.database import schema
from incidents.store.database.engine import plainly, writing

TICK_S = 0.25
"""Checkpoints are a second apart; what waits for the next one should not wait for two."""

_LOOK_S = 1.0
_MARK_S = 30.0
_NET_S = 3_600.0


class Record:
    """Numbers, signs and publishes, for as long as somebody runs it; one thread does.

    `at_once`: it runs once, and does not wait for a second to pass since the last checkpoint.
    """

    def __init__(
        self,
        house: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        say: Callable[..., None] = journal.say,
        at_once: bool = False,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        # Opened by the thread that makes this: two at once would open it twice.
        self._bare_engine = house.bare_engine
        self._house = house
        self._stopped = stopped
        self._say = say
        self._at_once = at_once
        self._monotonic = monotonic
        self.settings = status.load_settings(house.settings)
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
        """One round; whatever comes of it, the next one will be tried."""
        if self._stopped() or not self._numbering.do(self._number):
            return
        now = self._monotonic()
        if now >= self._net_at:
            self._net_at = now + _NET_S
            self._looking.do(self._look_for_missed)
        if not self._new and now < self._look_at:
            return
        self._look_at = now + _LOOK_S
        self._signing.do(self._sign)
        self.publish()

    def publish(self) -> None:
        """Brings the folder up to the last checkpoint, if there is to be one."""
        folder = self.settings.publish
        if folder is not None:
            self._publishing.do(partial(publishing.publish, self._house.engine, folder))

    def _number(self) -> None:
        engine = self._house.engine
        # It may have been upgraded since: what this program would write no longer fits.
        schema.check(engine)
        if sequencer.number_all(engine, self._stopped):
            self._new = True

    def _look_for_missed(self) -> None:
        found = sequencer.number_missed(self._house.engine)
        if found:
            self._new = True
            journal.error("found and numbered entries without a number", count=found)

    def _sign(self) -> None:
        with self._house.reading() as connection:
            now = self._house.now(connection)
        try:
            done = self._signed(now)
            self._refuse_loss(done, now)
        except DatabaseError:
            raise
        except IncidentsError as error:
            self._fails = self._noted(error, now)
            raise
        if self._fails and done.unable is None:
            self._keep(checkpoints.record_signing_recovery)
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

    def _signed(self, now: datetime) -> signing.Signing:
        """What came of it. While another process signs the entries are numbered all the same: it is
        looked at again the next time, and a while later it is a fault."""
        patience_s = signers_lock.PATIENCE_S if self._at_once else 0
        try:
            done = signing.sign(
                self._house.engine, self._ring, now,
                at_once=self._at_once, patience_s=patience_s, stays=not self._at_once,
            )  # fmt: skip
        except signers_lock.HeldError:
            self._held_since = self._held_since or self._monotonic()
            if self._at_once or self._monotonic() - self._held_since >= signers_lock.PATIENCE_S:
                raise
            return signing.Signing()
        self._held_since = None
        return done

    def _refuse_loss(self, done: signing.Signing, now: datetime) -> None:
        """Where nothing was compared: nobody signs, or there is nothing new on a quiet desk."""
        if done.unable not in (None, signing.NO_KEY) and self._waits(now):
            # Nobody signs: it is wrong here, if something signed is missing, or the key is here.
            loss.refuse(self._house.engine, self._ring.file)
            if done.elsewhere is not None:
                raise done.elsewhere
        if done == signing.Signing() and (self._fails or self._monotonic() >= self._mark_at):
            with self._house.reading() as connection:
                place = checkpoints.signing_place(connection)
            if place in (None, signers_lock.place_id(self._ring.file)):
                loss.refuse(self._house.engine, self._ring.file)
            self._mark_at = self._monotonic() + _MARK_S

    def _waits(self, now: datetime) -> bool:
        """Whether nobody signs: entries have waited for more than a minute."""
        with self._house.reading() as connection:
            return status.waits_since(connection, now) is not None

    def _noted(self, error: IncidentsError, now: datetime) -> bool:
        """Whether it is kept that this one has failed; not while another one signs, nor in place of
        a signing that was refused."""
        refused = isinstance(error, InconsistentLogError | loss.LossKnownError)
        how = checkpoints.REFUSED if refused else checkpoints.FAILED
        with self._house.reading() as connection:
            known = checkpoints.signing_state(connection).how
        if how == checkpoints.FAILED and (known == checkpoints.REFUSED or not self._waits(now)):
            return False
        if known != how:
            self._keep(partial(checkpoints.record_signing_failure, how=how, now=now))
        return True

    def _keep(self, what: Callable[[Connection], object]) -> None:
        engine = self._house.engine
        with plainly(engine), writing(engine) as connection:
            what(connection)


class Witnessing:
    """Has the checkpoints countersigned and stamped: a thread for each of the others that are
    asked, so that none waits for another.

    Nobody waits for these threads either: what is not answered by the end is not kept.
    """

    def __init__(self, house: App, record: Record, stop: Event) -> None:
        self._stop = stop
        self._threads = [
            Thread(target=self._keep_asking, args=asked, daemon=True, name=asked[0])
            for asked in _others(house, record)
        ]

    def start(self) -> None:
        """Begins to ask, until the event is set."""
        for thread in self._threads:
            thread.start()

    def _keep_asking(self, wrong: str, ask: Callable[[], object]) -> None:
        part = Part(wrong)
        while not self._stop.wait(_LOOK_S):
            part.do(ask)


def once(house: App) -> None:
    """Numbers, signs and publishes what there is, and asks each witness once: `daemon --once`.

    What is due is done by then: what goes wrong here is told in the log, and by `audit status`.
    """
    # From cron each line would be a mail, each minute, on a machine that has no key.
    record = Record(house, say=lambda *_, **__: None, at_once=True)
    record.run()
    for wrong, ask in _others(house, record):
        Part(wrong).do(ask)
    if record.settings.witnesses:
        record.publish()


def _others(house: App, record: Record) -> Iterator[tuple[str, Callable[[], object]]]:
    """What is asked of others, each with the sentence for when it fails."""
    for witness in record.settings.witnesses:
        yield f"the log is not witnessed by {witness.key.name}", partial(_ask, house, witness)
    if record.settings.timestamps is not None:
        yield "the log is not time-stamped", partial(_stamp, house, record.settings.timestamps)


def _ask(house: App, witness: witnesses.Witness) -> None:
    witnesses.ask(house.engine, witness)


def _stamp(house: App, authority: stamp.Authority) -> None:
    with house.reading() as connection:
        now = house.now(connection)
    stamp.ask(house.engine, authority, now)
