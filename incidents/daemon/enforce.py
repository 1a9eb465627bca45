"""The enforcement duty: decide everything that is due, in batches, and find the next due time.

The duty first checks this machine's clock against elapsed real time (`monotonic`) and against the
database's clock.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.app import App
from incidents.daemon import backlog, journal
from incidents.daemon.part import MAX_DATABASE_S, MAX_S, Backoff, database_fault
from incidents.daemon.shared_status import SharedStatus
from incidents.desk import Answer, Desk
from incidents.errors import Cause, IncidentsError
from incidents.store import desk_state
from incidents.store.cases import work
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading

DRIFT_LIMIT = timedelta(seconds=2)
STEP_LIMIT = timedelta(seconds=1)
_NO_DRIFT = timedelta(0)


class StandingAsideError(IncidentsError):
    """Nothing was enforced, because {reason}. Set this machine's clock; or, to use a simulated
    clock, make a rehearsal database with db upgrade --rehearsal."""


def clock_drift(
    connection: Connection, now: Callable[[], datetime] = clock.now
) -> timedelta | None:
    """How far this machine's clock is ahead of the database's clock; negative if it is behind.

    A difference within the time of the round trip to the database does not count. The result is
    None on SQLite, which has no clock of its own, and in a rehearsal.
    """
    before = now()
    there = desk_state.database_time(connection)
    after = now()
    if there is None:
        return None
    if before > there:
        return before - there
    return after - there if after < there else _NO_DRIFT


def reason_to_stand_aside(drifted: timedelta | None) -> str | None:
    """Why a daemon with this drift must not enforce deadlines; None if it may."""
    if drifted is None or abs(drifted) <= DRIFT_LIMIT:
        return None
    s = abs(drifted).total_seconds()
    if drifted > _NO_DRIFT:
        return Cause.of("clock_ahead", "its clock is {s:,.1f} s ahead of the database's", s=s)
    return Cause.of("clock_behind", "its clock is {s:,.1f} s behind the database's", s=s)


class ClockSteps:
    """A detector of jumps of this machine's clock, forward or back."""

    def __init__(
        self,
        now: Callable[[], datetime] = clock.machine_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._seen = now(), monotonic()

    def step(self) -> timedelta | None:
        """The jump of the clock since the last call; None if it is less than a second."""
        now, monotonic = self._now(), self._monotonic()
        seen_now, seen_monotonic = self._seen
        self._seen = now, monotonic
        step = (now - seen_now) - timedelta(seconds=monotonic - seen_monotonic)
        return step if abs(step) >= STEP_LIMIT else None


WORKING_FOR_S = 10.0
"""How long after a completed check the deadlines count as enforced."""

# The longest wait for a refused connection, or for a locked SQLite file.
_ATTEMPT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Elapsed:
    """The result of a check: what was decided, and the next due time (UTC).

    `next_due` leaves out due sites that were skipped, because another daemon is deciding them or a
    row is damaged; the next round checks them again. `aside`: why the daemon has paused, if it has.
    `ahead`: how far this machine's clock is ahead of the database's clock, which decides; negative
    if it is behind. `halted`: no orders are carried out until a person resumes.
    """

    sites: int = 0
    events: int = 0
    next_due: datetime | None = None
    aside: str | None = None
    ahead: timedelta = timedelta(0)
    halted: bool = False


def elapse(
    engine: Engine,
    desk: Desk,
    *,
    limit: int = backlog.BATCH,
    stopped: Callable[[], bool] = lambda: False,
    done: Callable[[list[Answer]], object] = lambda _: None,
) -> Elapsed:
    """Decide everything that is due, in transactions of `limit` sites, the earliest first.

    After each batch, `done` is called with its decisions, and `stopped` is called. If this
    machine's clock differs from the database's clock, nothing is decided, except in a rehearsal.

    Raises:
        DatabaseError: if the database fails; earlier batches stay decided.
    """
    now = clock.now()
    with plainly(engine), reading(engine) as connection:
        drift = clock_drift(connection)
        next_due, halted_since = work.due_and_halt(connection)
    halted = halted_since is not None
    aside = reason_to_stand_aside(drift)
    ahead = timedelta(0) if drift is None else drift
    # The database's time, or earlier: an extra check does no harm, a missed one does.
    covered_until = now - ahead
    max_lead = clock.now() - covered_until
    if aside is not None or next_due is None or next_due >= covered_until:
        return Elapsed(next_due=next_due, aside=aside, ahead=ahead, halted=halted)
    found = backlog.decide(engine, desk, limit=limit, stopped=stopped, done=done)
    if found.began is not None:
        covered_until = found.began - max_lead
    with plainly(engine), reading(engine) as connection:
        next_due = work.earliest_due(connection, since=covered_until)
    return Elapsed(
        sites=found.sites, events=found.events, next_due=next_due, ahead=ahead, halted=halted
    )


class Enforcement:
    """The enforcement duty of one daemon, run by one thread; it survives database failures.

    `wake_at`: called with the next due time. `changed`: called when enforcement begins, and when a
    pause begins or ends. `fatal`: an error that does not go away by waiting. `shared`: shows
    whether other duties must let this one go first.
    """

    def __init__(
        self,
        app: App,
        systemd: journal.Systemd,
        *,
        stopped: Callable[[], bool],
        wake_at: Callable[[datetime], object],
        changed: Callable[[], object],
        shared: SharedStatus | None = None,
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fatal: IncidentsError | None = None
        self.aside: str | None = None
        self._app = app
        self._systemd = systemd
        self._stopped = stopped
        self._wake_at = wake_at
        self._changed = changed
        self._shared = SharedStatus() if shared is None else shared
        self._backoff = Backoff(monotonic=monotonic) if backoff is None else backoff
        self._monotonic = monotonic
        self._worked_at: float | None = None
        self._warm = False
        self._last_reason: str | None = None

    @property
    def is_working(self) -> bool:
        """Whether a check was completed recently."""
        at = self._worked_at
        return at is not None and self._monotonic() - at <= WORKING_FOR_S

    def run(self) -> None:
        """Do one check; a failure does not prevent the next check."""
        if self._stopped() or self._backoff.waiting:
            return
        try:
            app = self._app
            # The schema may have been upgraded since, so that this program must not write.
            schema.check(app.engine)
            if not self._warm:
                app.desk.warm_up(backlog.AT_ONCE)
                self._warm = True
            found = elapse(
                app.engine,
                app.desk,
                stopped=self._stopped,
                done=self._done,
            )
        except Exception as error:  # noqa: BLE001 - a daemon that dies enforces nothing
            self._failed(error)
        else:
            self._succeeded(found)
        finally:
            self._shared.is_overdue = False

    def _done(self, answers: list[Answer]) -> None:
        self._shared.is_overdue = len(answers) == backlog.BATCH
        journal.decided(answers)
        self._worked_at = self._monotonic()
        self._systemd.feed_watchdog()

    def _succeeded(self, found: Elapsed) -> None:
        lasted_s = self._backoff.succeeded()
        if lasted_s is not None:
            journal.info("enforcing again", duration_s=round(lasted_s, 1))
        self._last_reason = None
        began = self._worked_at is None
        self._worked_at = self._monotonic()
        self._shared.has_looked = True
        changed = (found.aside is None) != (self.aside is None)
        self.aside = found.aside
        self._systemd.feed_watchdog()
        if found.aside is None:
            self._systemd.ready()
            if found.next_due is not None:
                # If this is past by now, the next check begins at once.
                self._wake_at(found.next_due + found.ahead)
        if changed and found.aside is not None:
            journal.error("paused: this daemon is not enforcing deadlines", reason=found.aside)
        elif changed:
            journal.warning("the clocks agree again: enforcing deadlines")
        self._systemd.status(_status(found))
        if began or changed:
            self._changed()

    def _failed(self, error: Exception) -> None:
        self._worked_at = None
        # The connections may be new ones.
        self._warm = False
        reason = database_fault(error)
        if reason is None and isinstance(error, IncidentsError):
            self.fatal = error
            return
        wait_s = self._backoff.failed(MAX_S if reason is None else MAX_DATABASE_S)
        if reason is None:
            # The watchdog is not fed: a restart may repair this process.
            reason = f"a fault in this program: {type(error).__name__}"
            self._systemd.status(reason)
            journal.error(
                "deadlines are not being enforced", reason=reason, wait_s=round(wait_s, 1)
            )
            if os.environ.get("INCIDENTS_DEBUG"):
                traceback.print_exception(error)
            return
        # The process works, and a restart would not bring the database back.
        self._systemd.feed_watchdog()
        self._systemd.extend_start(wait_s + _ATTEMPT_S)
        self._systemd.status(f"waiting: {reason}")
        if reason != self._last_reason:
            journal.error(
                "deadlines are not being enforced", reason=reason, wait_s=round(wait_s, 1)
            )
        self._last_reason = reason


def _status(found: Elapsed) -> str:
    if found.aside is not None:
        return f"paused: {found.aside}"
    due = (
        "nothing is due" if found.next_due is None else f"next due {clock.rfc3339(found.next_due)}"
    )
    where = " ON RECORD ONLY: incidents daemon status" if found.halted else ""
    return f"enforcing deadlines{where}; {due}"
