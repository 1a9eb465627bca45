"""The loop: wakes each duty at its time, from the first look until a signal to stop.

Nothing durable lives in the scheduler: what is due stands in the database, and is looked up anew.
The main thread only waits for signals and watches the clock, so that it always answers.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from incidents import __version__, clock, log
from incidents.app import App
from incidents.daemon import (
    alarm_duty,
    delivery,
    filing_duty,
    journal,
    record,
    recovery_duty,
    retention_duty,
)
from incidents.daemon.enforce import Enforcement, Steps
from incidents.daemon.heartbeat import BEAT_S, Heart, identity
from incidents.metrics.service import Service
from incidents.store.database.access import open_to_others

TICK_S = 1
STOPPING = (signal.SIGTERM, signal.SIGINT)

# Due strictly after its time: a hair later it is.
_HAIR = timedelta(milliseconds=1)
_WATCH_S = 0.5
_DAY_S = 86_400.0
_CLOCK, _DUE, _TICK, _HEARTBEAT = "clock", "due", "tick", "heartbeat"
_RECORD, _RETENTION, _DELIVERY, _ALARMS = "record", "retention", "delivery", "alarms"
_FILINGS, _RECOVERY = "filings", "recovery"


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no annotations
    """Fires at once, and then that many seconds after it last did.

    The library's own interval counts each beat that was missed: a clock that is set from 1970 to
    today would keep it counting for ever.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The scheduler's question, in its own words."""
        return now if previous is None else now + self._interval


def run(house: App, systemd: journal.Systemd | None = None) -> int:
    """Enforce the clock until SIGTERM or SIGINT; the exit status.

    The batch in hand is finished first; a second signal does not wait for it. At any moment
    SIGKILL loses nothing but the batch, which the next daemon does again.

    Raises:
        IncidentsError: if there is no database to enforce in, and waiting will not bring one.
    """
    log.adopt_library_logs()
    # It warns of every tick that comes while the last one is still at work.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    # A server that is gone without a word should cost a few seconds, not minutes.
    os.environ.setdefault("PGCONNECT_TIMEOUT", "10")
    with _signals_held_back():
        return _Loop(house, journal.Systemd() if systemd is None else systemd).run()


class _Loop:
    def __init__(self, house: App, systemd: journal.Systemd) -> None:
        self._house, self._systemd = house, systemd
        self._own_clock = house.settings.own_clock
        self._stop = Event()
        self._identity = identity()
        self._looking, self._looked_at = False, time.monotonic()
        self._enforcement = Enforcement(
            house,
            systemd,
            stopped=self._stop.is_set,
            wake_at=self._wake_at,
            changed=self._beat_now,
        )
        self._record = record.Record(house, stopped=self._stop.is_set)
        self._witnessing = record.Witnessing(house, self._record, self._stop)
        self._metrics = Service(house, say=journal.say, warn=journal.warn)
        self._delivery = delivery.Delivery(
            house, stopped=self._stop.is_set, observed=self._metrics.observed
        )
        self._heart = Heart(
            house, self._enforcement, self._identity, lambda: self._delivery.mark_unread
        )
        stopped = self._stop.is_set
        # Each has a thread of its own, and is run that many seconds after it last was.
        self._duties: dict[str, tuple[float, Callable[[], None]]] = {
            _RECORD: (record.TICK_S, self._record.run),
            _RETENTION: (
                retention_duty.LOOK_S, retention_duty.Retention(house, stopped=stopped).run,
            ),
            _DELIVERY: (delivery.TICK_S, self._delivery.run),
            _ALARMS: (alarm_duty.TICK_S, alarm_duty.Alarms(house, stopped=stopped).run),
            _FILINGS: (filing_duty.TICK_S, filing_duty.Filings(house, stopped=stopped).run),
            _RECOVERY: (recovery_duty.TICK_S, recovery_duty.Recovery(house, stopped=stopped).run),
        }  # fmt: skip
        self._executors = {
            name: ThreadPoolExecutor(1) for name in (_CLOCK, *self._duties, "default")
        }
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors=self._executors,
            # The defaults would drop what comes late, which is when it is needed most.
            # A duty that comes due while it is at work waits in line: with one instance it would
            # be dropped, and with it the wake-up that the look at work has just asked for.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 2},
        )

    def run(self) -> int:
        me = self._identity
        journal.say("started", worker=me.daemon, pid=me.pid, version=__version__)
        if warning := open_to_others(self._house.bare_engine):
            journal.warn("the database is exposed to others", reason=warning)
        self._scheduler.start()
        # One thread takes both, so two looks never overlap.
        self._every(TICK_S, self._look, id=_TICK, executor=_CLOCK)
        self._every(BEAT_S, self._heart.beat, id=_HEARTBEAT)
        for name, (seconds, duty) in self._duties.items():
            self._every(seconds, duty, id=name, executor=name, max_instances=1)
        self._witnessing.start()
        self._metrics.start()
        received = self._wait()
        self._stop.set()
        self._systemd.stopping()
        journal.say("stopping", signal=received and signal.Signals(received).name)
        self._finish()
        self._delivery.close()
        self._metrics.stop()
        self._heart.stop()
        journal.say("stopped", worker=me.daemon)
        if self._enforcement.fatal is not None:
            journal.error("the daemon cannot continue", reason=self._enforcement.fatal.message)
            raise self._enforcement.fatal
        return 0

    def _wait(self) -> int | None:
        """Until a signal comes, which is returned, or nothing can be done."""
        steps = Steps()
        while self._enforcement.fatal is None:
            received = _stop_signal(_WATCH_S)
            if received is not None:
                return received
            step = steps.step()
            if step is not None:
                self._after_step(step)
            elif not self._looking and time.monotonic() - self._looked_at > 3 * TICK_S:
                # Set and set back between two looks at it: the scheduler waits for a time of then.
                self._look_at_once()
        return None

    def _after_step(self, step: timedelta) -> None:
        """The scheduler's times were of the old clock: after a step back it would sleep it out."""
        # A simulated clock may run sixty times as fast, which is one step after the other.
        if not self._own_clock:
            direction = "forward" if step > timedelta(0) else "back"
            journal.warn(f"this machine's clock was set {direction}", drift_s=step.total_seconds())
        self._look_at_once()

    def _look_at_once(self) -> None:
        for id_ in (_TICK, _HEARTBEAT, _RECORD, _DELIVERY, _ALARMS, _FILINGS):
            self._at_once(id_)

    def _look(self) -> None:
        self._looking = True
        try:
            self._enforcement.run()
        finally:
            self._looked_at, self._looking = time.monotonic(), False

    def _finish(self) -> None:
        """Wait for what is in hand; a second signal ends the process at once."""
        closing = Thread(target=self._close, daemon=True)
        closing.start()
        while closing.is_alive():
            received = _stop_signal(0.05)
            if received is not None:
                journal.warn("stopped immediately: the current batch is rolled back")
                signal.signal(received, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
                os.kill(os.getpid(), received)

    def _close(self) -> None:
        # The scheduler would wait for the duties with its lock in hand, and a look that ends just
        # then, and asks to be woken, would wait for that lock.
        self._scheduler.shutdown(wait=False)
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    # What the duties ask of the scheduler, from their own threads.

    def _wake_at(self, due: datetime) -> None:
        # An earlier due time that somebody makes meanwhile is seen at the next tick. That is in
        # time for any clock that runs longer than a tick; under a policy with a shorter one it is
        # up to a tick late, which moves the suspension's beginning and nothing else.
        if not self._stop.is_set():
            # A job with one date would be removed as it is run: the scheduler fails at that, with
            # a traceback, if it is stopped just then. One look too many a day finds nothing to do.
            self._every(
                _DAY_S, self._look, at=due + _HAIR, id=_DUE, executor=_CLOCK, replace_existing=True
            )

    def _beat_now(self) -> None:
        if not self._stop.is_set():
            self._at_once(_HEARTBEAT)

    def _every(
        self, seconds: float, duty: Callable[[], None], at: datetime | None = None, **options: Any
    ) -> None:
        first = clock.now() if at is None else at
        self._scheduler.add_job(duty, Every(seconds), next_run_time=first, **options)

    def _at_once(self, id_: str) -> None:
        # At a stop the scheduler may forget its jobs before the last look ends.
        with suppress(JobLookupError):
            self._scheduler.modify_job(id_, next_run_time=clock.now())


def _stop_signal(within_s: float) -> int | None:
    """The signal to stop that comes within that time, if one does.

    CPython answers a wait that was interrupted (the process was stopped, and went on) and whose
    time is up by then with whatever stood in its memory: only what was asked for is believed.
    """
    received = signal.sigtimedwait(STOPPING, within_s)
    return received.si_signo if received is not None and received.si_signo in STOPPING else None


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """All threads hold the stop signals back, so that they wait for `sigtimedwait`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
