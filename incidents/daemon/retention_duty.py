"""The retention duty: erase expired data once a day, if the settings enable it."""

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
"""The interval of the duty's rounds, and so of its retries."""

_EVERY = timedelta(days=1)


class Retention:
    """The retention duty of one daemon; `stopped` is called between two transactions."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app = app
        self._stopped = stopped
        self._done_at: datetime | None = None

    def run(self) -> None:
        """Erase expired data, unless this was done within the last day; log errors."""
        now = clock.now()
        # A clock that was set back must not delay it.
        if self._done_at is not None and timedelta(0) <= now - self._done_at < _EVERY:
            return
        try:
            keep = retention.of_settings()
            # Without the setting nothing is read, so nothing can fail.
            erased = self._erase(keep, now) if keep.is_enabled else Erased()
        except IncidentsError as error:
            journal.warning("expired data was not erased", error=error, reason=error.message)
            return
        self._done_at = now
        if erased.anything:
            count = erased.words + erased.files + erased.sign_ins
            journal.info("expired data was erased", count=count)

    def _erase(self, keep: retention.Retention, now: datetime) -> Erased:
        app = self._app
        folder = app.settings.evidence
        return pseudonyms.erase_expired(
            app.desk, app.engine, folder, keep, now, by=CLOCK, stopped=self._stopped
        ).erased
