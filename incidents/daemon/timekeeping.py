"""Timekeeping: whether this machine's clock can be trusted to enforce deadlines with.

Only elapsed real time (`monotonic`) and the database's clock are there to judge it by.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from incidents import clock
from incidents.errors import IncidentsError
from incidents.store import desk_state

DRIFT_LIMIT = timedelta(seconds=2)
STEP_LIMIT = timedelta(seconds=1)
_NONE = timedelta(0)


class StandingAsideError(IncidentsError):
    """Nothing was enforced, since {reason}: set this machine's clock, or rehearse under a simulated
    one in a database made by db upgrade --rehearsal."""


def drift(connection: Connection, now: Callable[[], datetime] = clock.now) -> timedelta | None:
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
    return after - there if after < there else _NONE


def reason_to_stand_aside(drifted: timedelta | None) -> str | None:
    """Why a daemon with this drift must leave the clock to others, None if it need not."""
    if drifted is None or abs(drifted) <= DRIFT_LIMIT:
        return None
    way = "ahead of" if drifted > _NONE else "behind"
    return f"its clock is {abs(drifted).total_seconds():,.1f} s {way} the database's"


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
