"""The loop of a process, which runs each duty at its time until a signal stops it.

The scheduler stores nothing durable, because due times are read from the database. The main thread
only waits for signals and watches the clock, so that it always responds.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.duties import (
    ALARMS,
    DELIVERY,
    FILINGS,
    RECORD,
    DeliveryDuties,
    Duties,
    RecordDuties,
)
from incidents.daemon.enforce import ClockSteps, Enforcement
from incidents.daemon.heartbeat import BEAT_S, HeartbeatDuty, identity
from incidents.daemon.shared_status import SharedStatus
from incidents.daemon.signals import end_at_once, stop_signal
from incidents.enforcement.running_programs import RUNNING
from incidents.errors import IncidentsError
from incidents.store.monitoring import Heartbeat

TICK_S = 1

# Deadlines are due strictly after their time.
_EPSILON = timedelta(milliseconds=1)
_WATCH_S = 0.5
_DAY_S = 86_400.0
_CLOCK, _DUE, _TICK, _HEARTBEAT = "clock", "due", "tick", "heartbeat"

MakeDuties = Callable[[App, SharedStatus, Event], Duties]
ALL_DUTIES: tuple[MakeDuties, ...] = (RecordDuties, DeliveryDuties)


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


class Loop:
    """The loop of one process, for the deadlines (`enforces`) and those duties.

    Nothing is opened or started before it runs, so a process can be forked for it.
    """

    def __init__(
        self,
        app: App,
        systemd: journal.Systemd,
        *,
        enforces: bool = True,
        duties: Iterable[MakeDuties] = ALL_DUTIES,
        shared: SharedStatus | None = None,
        me: Heartbeat | None = None,
    ) -> None:
        self._app, self._systemd = app, systemd
        self._own_clock = app.settings.own_clock
        self._enforces = enforces
        self._stop = Event()
        self._looking, self._looked_at = False, time.monotonic()
        shared = SharedStatus() if shared is None else shared
        self._me = identity() if me is None else me
        self._enforcement = Enforcement(
            app,
            systemd,
            stopped=self._stop.is_set,
            wake_at=self._wake_at,
            changed=self._beat_now,
            shared=shared,
        )
        self._heart = HeartbeatDuty(
            app, self._enforcement, self._me, lambda: shared.mark_unread,
            lambda: shared.mailbox_unread,
        )  # fmt: skip
        self._duties = [make(app, shared, self._stop) for make in duties]
        self._by_name = {
            name: duty for each in self._duties for name, duty in each.by_name.items()
        }  # fmt: skip
        self._executors = {
            name: ThreadPoolExecutor(1) for name in (_CLOCK, *self._by_name, "default")
        }
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors=self._executors,
            # The defaults would drop late runs, which are needed most. With one instance, a run
            # that becomes due during another would be dropped, with the wake-up just requested.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 2},
        )

    def run(self) -> int:
        """Be the whole daemon, until a signal to stop; see `processes.run`."""
        journal.started(self._app, self._me)
        self._start()
        received = self._wait()
        self._stop.set()
        journal.stopping(self._systemd, received)
        self._finish()
        self._end()
        journal.stopped(self._me, self._enforcement.fatal)
        return 0

    def run_part(self, report: Callable[[IncidentsError | None], object]) -> None:
        """Be a part of the daemon, until a signal to stop or a fatal error.

        `report` is called each half second while the scheduler goes on, and with the fatal error.
        Further signals have no effect: the daemon's first process ends this one, if it must.
        """
        self._start()
        self._wait(beat=lambda: report(None))
        if self._enforcement.fatal is not None:
            report(self._enforcement.fatal)
        self._stop.set()
        self._close()
        self._end()
        # This process ends without cleaning up; SQLite then keeps what was written in its log.
        self._app.close()

    def _start(self) -> None:
        # The scheduler warns of every tick that overlaps the last one.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._looked_at = time.monotonic()
        self._scheduler.start()
        # Both share one thread, so two checks never overlap.
        self._every(TICK_S, self._look, id=_TICK, executor=_CLOCK)
        if self._enforces:
            self._every(BEAT_S, self._heart.beat, id=_HEARTBEAT)
        for name, (seconds, duty) in self._by_name.items():
            self._every(seconds, duty, id=name, executor=name, max_instances=1)
        for each in self._duties:
            each.start()

    def _end(self) -> None:
        for each in self._duties:
            each.close()
        self._heart.stop()

    def _wait(self, beat: Callable[[], object] = lambda: None) -> int | None:
        """Wait for a signal to stop, and return it; None after a fatal error."""
        steps = ClockSteps()
        while self._enforcement.fatal is None:
            received = stop_signal(_WATCH_S)
            if received is not None:
                return received
            step = steps.step()
            if step is not None:
                self._after_step(step)
            elif not self._looking and time.monotonic() - self._looked_at > 3 * TICK_S:
                # The clock was set and set back unseen: the scheduler waits for a wrong time.
                self._run_all_now()
                continue
            beat()
        return None

    def _after_step(self, step: timedelta) -> None:
        """Run all duties now, because the scheduler's times are based on the old clock."""
        # A simulated clock may run sixty times as fast, in constant steps.
        if self._enforces and not self._own_clock:
            direction = "forward" if step > timedelta(0) else "back"
            journal.warning(
                f"this machine's clock was set {direction}", drift_s=step.total_seconds()
            )
        self._run_all_now()

    def _run_all_now(self) -> None:
        for id_ in (_TICK, _HEARTBEAT, RECORD, DELIVERY, ALARMS, FILINGS):
            self._run_now(id_)

    def _look(self) -> None:
        """Do what is due; without the deadlines this only shows that the scheduler goes on."""
        self._looking = True
        try:
            if self._enforces:
                self._enforcement.run()
        finally:
            self._looked_at, self._looking = time.monotonic(), False

    def _finish(self) -> None:
        """Wait for the running duties; a second signal ends the process immediately."""
        closing = Thread(target=self._close, daemon=True)
        closing.start()
        while closing.is_alive():
            received = stop_signal(0.05)
            if received is not None:
                # Their process would be gone before they end.
                RUNNING.kill()
                end_at_once(received)

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
                self._look,
                at=clock.machine_time(due) + _EPSILON,
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
        first = clock.machine_now() if at is None else at
        self._scheduler.add_job(duty, Every(seconds), next_run_time=first, **options)

    def _run_now(self, id_: str) -> None:
        # At a stop the scheduler may drop its jobs before the last check ends.
        with suppress(JobLookupError):
            self._scheduler.modify_job(id_, next_run_time=clock.machine_now())
