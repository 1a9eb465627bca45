"""The retention duty, once a day: expired keys, old checkpoints, and texts if that is set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.desk import expired_keys, pseudonyms, thinning
from incidents.errors import IncidentsError
from incidents.machine.commands import CLOCK
from incidents.settings import retention

LOOK_S = 3_600.0
"""The interval of the duty's rounds, and so of its retries."""

_EVERY = timedelta(days=1)


class Retention:
    """The retention duty of one daemon.

    `stopped` is called between two transactions, `deleted` with a table and a number of rows.
    """

    def __init__(
        self,
        app: App,
        *,
        stopped: Callable[[], bool] = lambda: False,
        deleted: Callable[[str, int], object] = lambda *_: None,
    ) -> None:
        self._app = app
        self._stopped, self._deleted = stopped, deleted
        self._done_at: datetime | None = None

    def run(self) -> None:
        """Delete expired data, unless this was done within the last day; log errors."""
        now = clock.now()
        # A clock that was set back must not delay it.
        if self._done_at is not None and timedelta(0) <= now - self._done_at < _EVERY:
            return
        try:
            keep = retention.of_settings()
        except IncidentsError as error:
            _warn("expired data was not erased", error)
            return
        # A list, because a failure of one must not prevent the others.
        done = [self._erase(keep, now), self._delete_keys(keep, now), self._thin(keep, now)]
        if all(done):
            self._done_at = now

    def _erase(self, keep: retention.Retention, now: datetime) -> bool:
        # Without the setting nothing is read, so nothing can fail.
        if not keep.is_enabled:
            return True
        app, folder = self._app, self._app.settings.evidence
        try:
            erased = pseudonyms.erase_texts(
                app.desk, app.engine, folder, keep, now, by=CLOCK, stopped=self._stopped
            )
        except IncidentsError as error:
            return _warn("expired data was not erased", error)
        if erased.anything:
            count = erased.words + erased.files + erased.sign_ins
            journal.info("expired data was erased", count=count)
        return True

    def _delete_keys(self, keep: retention.Retention, now: datetime) -> bool:
        app, before = self._app, keep.cutoff_of_keys(now)
        try:
            count = expired_keys.delete_expired(app.desk, app.engine, before, stopped=self._stopped)
        except IncidentsError as error:
            return _warn("expired keys were not deleted", error)
        if count:
            journal.info("expired keys were deleted", count=count)
            self._deleted("keys", count)
        return True

    def _thin(self, keep: retention.Retention, now: datetime) -> bool:
        app = self._app
        try:
            count = thinning.thin(
                app.desk, app.engine, keep.checkpoints, now, by=CLOCK, stopped=self._stopped
            )
        except IncidentsError as error:
            return _warn("old checkpoints were not thinned", error)
        if count:
            journal.info("old checkpoints were thinned", count=count)
            self._deleted("checkpoints", count)
        return True


def _warn(what: str, error: IncidentsError) -> Literal[False]:
    journal.warning(what, error=error, reason=error.message)
    return False
