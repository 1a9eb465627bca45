"""The duty of enforcement: do what is due, in batches, and say when to look again.

It first checks whether this machine's clock can be trusted with deadlines.

Only elapsed real time (`monotonic`) and the database's clock are there to judge it by.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Backoff, trouble
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
    """Nothing was enforced, because {reason}: set this machine's clock, or rehearse with a
    simulated clock in a database made by db upgrade --rehearsal."""


def clock_drift(
    connection: Connection, now: Callable[[], datetime] = clock.now
) -> timedelta | None:
    """How far this machine's clock is ahead of the database's; negative: behind.

    What the way to the database and back can explain is no drift. None on SQLite, which has no
    clock of its own, and in a rehearsal.
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
    """Why a daemon with this drift must leave the clock to others, None if it need not."""
    if drifted is None or abs(drifted) <= DRIFT_LIMIT:
        return None
    s = abs(drifted).total_seconds()
    if drifted > _NO_DRIFT:
        return Cause.of("clock_ahead", "its clock is {s:,.1f} s ahead of the database's", s=s)
    return Cause.of("clock_behind", "its clock is {s:,.1f} s behind the database's", s=s)


class Steps:
    """Notices when the clock is set, forward or back, in place of just going on."""

    def __init__(
        self,
        now: Callable[[], datetime] = clock.now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._now = now
        self._monotonic = monotonic
        self._seen = now(), monotonic()

    def step(self) -> timedelta | None:
        """By how much the clock was set since this was last asked; None for less than a second."""
        now, monotonic = self._now(), self._monotonic()
        seen_now, seen_monotonic = self._seen
        self._seen = now, monotonic
        step = (now - seen_now) - timedelta(seconds=monotonic - seen_monotonic)
        return step if abs(step) >= STEP_LIMIT else None


BATCH = 500
WORKS_FOR_S = 10.0
"""So long after a look that came to its end, the clock counts as enforced."""

# A connection may take so long to be refused, and a SQLite file so long to be let go of.
_ATTEMPT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look did, the earliest due time (UTC) that it has not come to, and why it stood aside.

    What it came to and left undone, since another daemon has it in hand or a row is spoilt, is no
    `next_due`: there is no moment to wait for, and the next tick looks again. `ahead` is how far
    this machine's clock is ahead of the database's, by which it is due; negative: behind. `halted`:
    what it decides is not carried out, until a person goes on.
    """

    sites: int = 0
    events: int = 0
    next_due: datetime | None = None
    aside: str | None = None
    ahead: timedelta = timedelta(0)
    halted: bool = False


def look(
    engine: Engine,
    desk: Desk,
    *,
    limit: int = BATCH,
    stopped: Callable[[], bool] = lambda: False,
    done: Callable[[list[Answer]], object] = lambda _: None,
) -> Look:
    """Do all that is due, `limit` sites in a transaction, in the order of their due times.

    Between two batches `stopped` is asked, and `done` is told what the last one has decided. With
    a clock that differs from the database's nothing is done, but in a rehearsal.

    Raises:
        DatabaseError: when the database does not do its part; what was done before stands.
    """
    now = clock.now()
    with plainly(engine), reading(engine) as connection:
        drift = clock_drift(connection)
        next_due, halted_since = work.at_a_look(connection)
    halted = halted_since is not None
    aside = reason_to_stand_aside(drift)
    ahead = timedelta(0) if drift is None else drift
    # By the database's clock, which shows this at least; so one more look is better than one less.
    came_to = now - ahead
    at_most_ahead = clock.now() - came_to
    if aside is not None or next_due is None or next_due >= came_to:
        return Look(next_due=next_due, aside=aside, ahead=ahead, halted=halted)
    sites = events = 0
    for began, answers in _batches(desk, limit, stopped):
        came_to = began - at_most_ahead
        done(answers)
        sites += len(answers)
        events += sum(len(answer.events) for answer in answers)
    with plainly(engine), reading(engine) as connection:
        next_due = work.earliest_due(connection, since=came_to)
    return Look(sites=sites, events=events, next_due=next_due, ahead=ahead, halted=halted)


def _batches(
    desk: Desk, limit: int, stopped: Callable[[], bool]
) -> Iterator[tuple[datetime, list[Answer]]]:
    """What each batch has decided, and when it began: what is due since then may be left."""
    while not stopped():
        began = clock.now()
        answers = desk.elapse(limit=limit)
        # Nothing is due, or what is due is being done by somebody else at this moment.
        if not answers:
            return
        yield began, answers
        if not any(answer.events for answer in answers):
            journal.warn("a due decision produced no event", site=answers[0].site)
            return


class Enforcement:
    """Looks, and keeps looking whatever becomes of the database; one thread runs it.

    `wake_at` is told the next due time; `changed` is called when enforcing begins, or standing
    aside begins or ends. `fatal` holds what no waiting will mend.
    """

    def __init__(
        self,
        house: App,
        systemd: journal.Systemd,
        *,
        stopped: Callable[[], bool],
        wake_at: Callable[[datetime], object],
        changed: Callable[[], object],
        backoff: Backoff | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.fatal: IncidentsError | None = None
        self.aside: str | None = None
        self._house = house
        self._systemd = systemd
        self._stopped = stopped
        self._wake_at = wake_at
        self._changed = changed
        self._backoff = Backoff(monotonic=monotonic) if backoff is None else backoff
        self._monotonic = monotonic
        self._worked_at: float | None = None
        self._trouble: str | None = None

    @property
    def works(self) -> bool:
        """Whether the last look came to its end, not long ago."""
        at = self._worked_at
        return at is not None and self._monotonic() - at <= WORKS_FOR_S

    def run(self) -> None:
        """One look; whatever comes of it, the next one will be tried."""
        if self._stopped() or self._backoff.waiting:
            return
        try:
            house = self._house
            # It may have been upgraded since: what this program would write no longer fits.
            schema.check(house.engine)
            found = look(
                house.engine,
                house.desk,
                stopped=self._stopped,
                done=self._done,
            )
        except Exception as error:  # noqa: BLE001 - a daemon that dies enforces nothing
            self._failed(error)
        else:
            self._succeeded(found)

    def _done(self, answers: list[Answer]) -> None:
        journal.decided(answers)
        self._worked_at = self._monotonic()
        self._systemd.alive()

    def _succeeded(self, found: Look) -> None:
        lasted_s = self._backoff.succeeded()
        if lasted_s is not None:
            journal.say("enforcing again", duration_s=round(lasted_s, 1))
        self._trouble = None
        began = self._worked_at is None
        self._worked_at = self._monotonic()
        turned = (found.aside is None) != (self.aside is None)
        self.aside = found.aside
        self._systemd.alive()
        if found.aside is None:
            self._systemd.ready()
            if found.next_due is not None:
                # Past by now, it may be: then the next look begins at once.
                self._wake_at(found.next_due + found.ahead)
        if turned and found.aside is not None:
            journal.error(
                "standing aside: this daemon does not enforce the clock", reason=found.aside
            )
        elif turned:
            journal.warn("the clocks agree again: enforcing")
        self._systemd.status(_status(found))
        if began or turned:
            self._changed()

    def _failed(self, error: Exception) -> None:
        self._worked_at = None
        reason = trouble(error)
        if reason is None and isinstance(error, IncidentsError):
            self.fatal = error
            return
        wait_s = self._backoff.failed()
        if reason is None:
            # The watchdog is not fed: a restart may mend what is wrong in this process.
            reason = f"a fault in this program: {type(error).__name__}"
            self._systemd.status(reason)
            journal.error("the clock is not enforced", reason=reason, wait_s=round(wait_s, 1))
            if os.environ.get("INCIDENTS_DEBUG"):
                traceback.print_exception(error)
            return
        # This process is well, and a restart would not bring the database back.
        self._systemd.alive()
        self._systemd.waiting(wait_s + _ATTEMPT_S)
        self._systemd.status(f"waiting: {reason}")
        if reason != self._trouble:
            journal.error("the clock is not enforced", reason=reason, wait_s=round(wait_s, 1))
        self._trouble = reason


def _status(found: Look) -> str:
    if found.aside is not None:
        return f"standing aside: {found.aside}"
    due = (
        "nothing is due" if found.next_due is None else f"next due {clock.rfc3339(found.next_due)}"
    )
    where = " ON RECORD ONLY: incidents daemon status" if found.halted else ""
    return f"enforcing the clock{where}; {due}"
