"""The retention's duty: once a day, erase what has been kept long enough, if that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.desk import pseudonyms
from incidents.desk.erasure import Erased
from incidents.errors import IncidentsError
from incidents.machine.commands import CLOCK
from incidents.settings import retention

LOOK_S = 3_600.0
"""How often it is to be run; what has failed is tried again then."""

_EVERY = timedelta(days=1)


class Retention:
    """The duty of one daemon; `stopped` is asked between two transactions."""

    def __init__(self, house: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._house = house
        self._stopped = stopped
        self._done_at: datetime | None = None

    def run(self) -> None:
        """Do it, unless that was done within the last day; what goes wrong is told and stops
        nothing."""
        now = clock.now()
        # A clock that was set back must not put it off.
        if self._done_at is not None and timedelta(0) <= now - self._done_at < _EVERY:
            return
        try:
            keep = retention.of_settings()
            # Without the setting nothing is looked at, and there is nothing to complain of.
            erased = self._erase(keep, now) if keep.is_enabled else Erased()
        except IncidentsError as error:
            journal.warn("expired data was not erased", error=error, reason=error.message)
            return
        self._done_at = now
        if erased.anything:
            count = erased.words + erased.files + erased.sign_ins
            journal.say("expired data was erased", count=count)

    def _erase(self, keep: retention.Retention, now: datetime) -> Erased:
        house = self._house
        folder = house.settings.evidence
        return pseudonyms.erase_expired(
            house.desk, house.engine, folder, keep, now, by=CLOCK, stopped=self._stopped
        ).erased
