"""The snapshot duty: look at the web addresses of new reports, and put on record what is there.

After a kill between the fetch and its record the addresses are fetched once more, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from incidents import clock
from incidents.app import App
from incidents.contract.documents.reports import ReportInFull
from incidents.daemon import journal
from incidents.daemon.inbox.claims import Pending, Rounds, Work, nothing
from incidents.desk.inbox import snapshots as desk_snapshots
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.snapshots import taking
from incidents.machine.command import DAEMON
from incidents.settings.inbox import InboxSettings
from incidents.store import desk_state
from incidents.store.inbox import snapshots
from incidents.store.inbox.snapshots import CLAIMS, PLACE, Waiting
from incidents.views.inbox import reports as views

TICK_S = 5.0
"""The interval of the duty's rounds."""
LEASE = timedelta(minutes=2)
"""How long a daemon claims a report; the look at its addresses ends well before."""
MAX_ATTEMPTS = 2
PER_HOUR = 1_000
"""The maximum number of addresses that daemons look at in an hour: a flood makes no other one."""
GIVE_UP_AFTER = timedelta(days=1)
"""How long a report waits for its turn: later its pages would show another day."""


class SnapshotRounds(Rounds):
    """The snapshot duty of one daemon; `stopped` is called between two transactions."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        super().__init__(app, PLACE, "pages that reports name are not looked at", stopped=stopped)

    def pending(self, settings: InboxSettings) -> Pending | None:
        """See `Rounds`."""
        return Looks(self._app) if settings.snapshots else None


class Looks(Pending):
    """The reports whose addresses are to be looked at."""

    def __init__(self, app: App) -> None:
        self._app = app

    def plan(self, connection: Connection, after: int | None) -> int | None:
        """See `Pending`."""
        return None if after is None else snapshots.plan(connection, after, clock.now())

    def claim(self, connection: Connection, now: datetime) -> Work | None:
        """See `Pending`."""
        waiting = CLAIMS.due(connection, now)
        if waiting is None:
            return None
        found = views.report(connection, waiting.report)
        too_late = now - clock.read_rfc3339(found["received_at"]) > GIVE_UP_AFTER
        is_given_up = too_late or waiting.attempts >= MAX_ATTEMPTS
        if is_given_up or not taking.is_for_duty(found):
            CLAIMS.remove(connection, waiting)
            if is_given_up:
                reason = "late" if too_late else "interrupted"
                journal.warning(
                    "the pages of a report were not looked at", item=found["id"], reason=reason
                )
            return nothing
        if snapshots.taken_by(connection, DAEMON, now - timedelta(hours=1)) >= PER_HOUR:
            return None
        claimed = CLAIMS.claim(connection, waiting, now, clock.passing(LEASE))
        return nothing if claimed is None else partial(self._look, claimed, found)

    def _look(self, claimed: Waiting, report: ReportInFull) -> bool:
        taken = self._app.snapshots.take(report)
        self._app.desk.on_record(partial(self._record, claimed, taken))
        journal.info(
            "pages of a report were looked at", item=report["id"], count=len(taken),
            failed=sum(each.problem is not None for each in taken),
        )  # fmt: skip
        return True

    def _record(self, claimed: Waiting, taken: list[Taken], connection: Connection) -> None:
        desk_state.lock_desk(connection)
        # Another daemon, after the lease, may have been there first.
        if not CLAIMS.is_claimed(connection, claimed):
            return
        desk_snapshots.record(
            connection, claimed.report, taken, by=DAEMON, login=self._app.settings.login,
            clock=clock.now,
        )  # fmt: skip
        CLAIMS.remove(connection, claimed)


def once(app: App) -> None:
    """Look at the pages whose turn it is now (`daemon --once`); raises the errors of `round`."""
    SnapshotRounds(app).round()
