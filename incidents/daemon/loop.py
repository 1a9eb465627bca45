"""The loop, which runs each duty at its time until a signal stops the daemon.

The scheduler stores nothing durable, because due times are read from the database. The main thread
only waits for signals and watches the clock, so that it always responds.
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
from incidents.daemon.enforce import ClockSteps, Enforcement
from incidents.daemon.heartbeat import BEAT_S, HeartbeatDuty, identity
from incidents.metrics.service import Service
from incidents.store.database.access import open_to_others

TICK_S = 1
STOPPING = (signal.SIGTERM, signal.SIGINT)

# Deadlines are due strictly after their time.
_EPSILON = timedelta(milliseconds=1)
_WATCH_S = 0.5
_DAY_S = 86_400.0
_CLOCK, _DUE, _TICK, _HEARTBEAT = "clock", "due", "tick", "heartbeat"
_RECORD, _RETENTION, _DELIVERY, _ALARMS = "record", "retention", "delivery", "alarms"
_FILINGS, _RECOVERY = "filings", "recovery"


class Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no annotations
    """A trigger that fires at once, and again a number of seconds after each time that it fired.

    The scheduler's own interval trigger counts every missed run: after the clock is set from 1970
    to today, it would count forever.
    """

    def __init__(self, seconds: float) -> None:
        self._interval = timedelta(seconds=seconds)

    def get_next_fire_time(self, previous: datetime | None, now: datetime) -> datetime:
        """The next time to run, in the form that the scheduler requires."""
        return now if previous is None else now + self._interval


def run(app: App, systemd: journal.Systemd | None = None) -> int:
    """Enforce deadlines until SIGTERM or SIGINT; return the exit status.

    The current batch is finished first, unless a second signal arrives. SIGKILL loses only the
    current batch, which the next daemon repeats.

    Raises:
        IncidentsError: if there is no database to enforce in, and waiting will not help.
    """
    log.adopt_library_logs()
    # It warns of every tick that overlaps the last one.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    with _blocked_signals():
        return _Loop(app, journal.Systemd() if systemd is None else systemd).run()


class _Loop:
    def __init__(self, app: App, systemd: journal.Systemd) -> None:
        self._app, self._systemd = app, systemd
        self._own_clock = app.settings.own_clock
        self._stop = Event()
        self._identity = identity()
        self._looking, self._looked_at = False, time.monotonic()
        self._enforcement = Enforcement(
            app,
            systemd,
            stopped=self._stop.is_set,
            wake_at=self._wake_at,
            changed=self._beat_now,
        )
        self._record = record.Record(app, stopped=self._stop.is_set)
        self._witnessing = record.WitnessRequests(app, self._record, self._stop)
        self._metrics = Service(app, say=journal.info, warn=journal.warning)
        self._delivery = delivery.Delivery(
            app, stopped=self._stop.is_set, observed=self._metrics.observed
        )
        self._heart = HeartbeatDuty(
            app, self._enforcement, self._identity, lambda: self._delivery.mark_unread
        )
        stopped = self._stop.is_set
        # Each has its own thread, and its own interval in seconds.
        self._duties: dict[str, tuple[float, Callable[[], None]]] = {
            _RECORD: (record.TICK_S, self._record.run),
            _RETENTION: (
                retention_duty.LOOK_S,
                retention_duty.Retention(app, stopped=stopped, deleted=self._metrics.deleted).run,
            ),
            _DELIVERY: (delivery.TICK_S, self._delivery.run),
            _ALARMS: (alarm_duty.TICK_S, alarm_duty.Alarms(app, stopped=stopped).run),
            _FILINGS: (filing_duty.TICK_S, filing_duty.Filings(app, stopped=stopped).run),
            _RECOVERY: (recovery_duty.TICK_S, recovery_duty.Recovery(app, stopped=stopped).run),
        }  # fmt: skip
        self._executors = {
            name: ThreadPoolExecutor(1) for name in (_CLOCK, *self._duties, "default")
        }
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors=self._executors,
            # The defaults would drop late runs, which are needed most. With one instance, a run
            # that becomes due during another would be dropped, with the wake-up just requested.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 2},
        )

    def run(self) -> int:
        me = self._identity
        journal.info("started", worker=me.daemon, pid=me.pid, version=__version__)
        if warning := open_to_others(self._app.bare_engine):
            journal.warning("the database is exposed to others", reason=warning)
        self._scheduler.start()
        # Both share one thread, so two checks never overlap.
        self._every(TICK_S, self._enforce, id=_TICK, executor=_CLOCK)
        self._every(BEAT_S, self._heart.beat, id=_HEARTBEAT)
        for name, (seconds, duty) in self._duties.items():
            self._every(seconds, duty, id=name, executor=name, max_instances=1)
        self._witnessing.start()
        self._metrics.start()
        received = self._wait()
        self._stop.set()
        self._systemd.stopping()
        journal.info("stopping", signal=received and signal.Signals(received).name)
        self._finish()
        self._delivery.close()
        self._metrics.stop()
        self._heart.stop()
        journal.info("stopped", worker=me.daemon)
        if self._enforcement.fatal is not None:
            journal.error("the daemon cannot continue", reason=self._enforcement.fatal.message)
            raise self._enforcement.fatal
        return 0

    def _wait(self) -> int | None:
        """Wait for a signal to stop, and return it; None after a fatal error."""
        steps = ClockSteps()
        while self._enforcement.fatal is None:
            received = _stop_signal(_WATCH_S)
            if received is not None:
                return received
            step = steps.step()
            if step is not None:
                self._after_step(step)
            elif not self._looking and time.monotonic() - self._looked_at > 3 * TICK_S:
                # The clock was set and set back unseen: the scheduler waits for a wrong time.
                self._run_all_now()
        return None

    def _after_step(self, step: timedelta) -> None:
        """Run all duties now, because the scheduler's times are based on the old clock."""
        # A simulated clock may run sixty times as fast, in constant steps.
        if not self._own_clock:
            direction = "forward" if step > timedelta(0) else "back"
            journal.warning(
                f"this machine's clock was set {direction}", drift_s=step.total_seconds()
            )
        self._run_all_now()

    def _run_all_now(self) -> None:
        for id_ in (_TICK, _HEARTBEAT, _RECORD, _DELIVERY, _ALARMS, _FILINGS):
            self._run_now(id_)

    def _enforce(self) -> None:
        self._looking = True
        try:
            self._enforcement.run()
        finally:
            self._looked_at, self._looking = time.monotonic(), False

    def _finish(self) -> None:
        """Wait for the running duties; a second signal ends the process immediately."""
        closing = Thread(target=self._close, daemon=True)
        closing.start()
        while closing.is_alive():
            received = _stop_signal(0.05)
            if received is not None:
                journal.warning("stopped immediately: the current batch is rolled back")
                signal.signal(received, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
                os.kill(os.getpid(), received)

    def _close(self) -> None:
        # With wait=True the scheduler holds its lock, and a check that ends now and requests a
        # wake-up would deadlock.
        self._scheduler.shutdown(wait=False)
        for executor in self._executors.values():
            executor.shutdown(wait=True)

    # Requests of the duties to the scheduler, from their own threads.

    def _wake_at(self, due: datetime) -> None:
        # An earlier due time that appears meanwhile is seen at the next tick: in time for any clock
        # longer than a tick. A shorter one is up to a tick late, which only moves the beginning of
        # the suspension.
        if not self._stop.is_set():
            # A job with one date is removed when it runs, which fails with a traceback if the
            # scheduler is stopped just then. An extra check each day does no harm.
            self._every(
                _DAY_S,
                self._enforce,
                at=due + _EPSILON,
                id=_DUE,
                executor=_CLOCK,
                replace_existing=True,
            )

    def _beat_now(self) -> None:
        if not self._stop.is_set():
            self._run_now(_HEARTBEAT)

    def _every(
        self, seconds: float, duty: Callable[[], None], at: datetime | None = None, **options: Any
    ) -> None:
        first = clock.now() if at is None else at
        self._scheduler.add_job(duty, Every(seconds), next_run_time=first, **options)

    def _run_now(self, id_: str) -> None:
        # At a stop the scheduler may drop its jobs before the last check ends.
        with suppress(JobLookupError):
            self._scheduler.modify_job(id_, next_run_time=clock.now())


def _stop_signal(within_s: float) -> int | None:
    """Wait for a signal to stop, and return it; None if none arrives in time.

    Signals other than the stop signals are ignored: if a wait was interrupted (SIGSTOP, SIGCONT)
    and its time is up, CPython returns arbitrary memory.
    """
    received = signal.sigtimedwait(STOPPING, within_s)
    return received.si_signo if received is not None and received.si_signo in STOPPING else None


@contextmanager
def _blocked_signals() -> Iterator[None]:
    """Block the stop signals in all threads, so that `sigtimedwait` receives them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
