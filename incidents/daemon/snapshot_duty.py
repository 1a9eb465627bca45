"""The snapshot duty: look at the web addresses of new reports, and put on record what is there.

A report is claimed, its addresses are fetched, and what was found is put on record. After a kill
between the last two the addresses are fetched once more, and no more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from incidents import clock
from incidents.app import App
from incidents.daemon import journal
from incidents.daemon.part import Part
from incidents.desk.inbox import snapshots as desk_snapshots
from incidents.desk.inbox.snapshots import Taken
from incidents.inbox.snapshots import taking
from incidents.machine.command import DAEMON
from incidents.settings import inbox, sources
from incidents.store import desk_state, lineage
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.inbox import snapshots
from incidents.store.inbox.snapshots import Waiting
from incidents.values.ids import report_id
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


class SnapshotRounds:
    """The snapshot duty of one daemon; `stopped` is called between two transactions."""

    def __init__(self, app: App, *, stopped: Callable[[], bool] = lambda: False) -> None:
        self._app, self._engine = app, app.bare_engine
        self._stopped = stopped
        self._part = Part("pages that reports name are not looked at")

    def run(self) -> None:
        """Do one round of the duty; log errors."""
        self._part.attempt(self.look)

    def look(self) -> None:
        """Look at the addresses of the reports whose turn it is.

        Raises:
            SettingError, UnknownSettingError: if a setting is wrong.
            NoSnapshotLibraryError: without the libraries for requests.
            DatabaseError, FileError: if the database fails, or a page cannot be kept.
        """
        settings = inbox.read(sources.section(inbox.SECTION))
        schema.check(self._engine)
        if not settings.snapshots:
            self._rest()
            return
        while not self._stopped() and self._has_news():
            self._app.desk.on_record(_plan)
        if self._is_halted():
            return
        while not self._stopped() and self._look_at_next():
            pass

    def _rest(self) -> None:
        """Forget the place: reports that come in until pages are looked at again have no turn."""
        with plainly(self._engine), reading(self._engine) as connection:
            is_on = snapshots.place(connection)[0] is not None
        if is_on:
            self._app.desk.on_record(partial(snapshots.move, to=None))

    def _has_news(self) -> bool:
        """Whether reports came in; to look takes no lock."""
        with plainly(self._engine), reading(self._engine) as connection:
            before, last = snapshots.place(connection)
            return before is None or before < last

    def _is_halted(self) -> bool:
        """Whether this database may be a copy, whose daemon asks nobody anything."""
        with plainly(self._engine), reading(self._engine) as connection:
            return lineage.standing(connection).halted_since is not None

    def _look_at_next(self) -> bool:
        """Look at the addresses of the next report; return whether to go on."""
        with plainly(self._engine), writing(self._engine) as connection:
            now = self._app.now(connection)
            waiting = snapshots.due(connection, now)
            if waiting is None:
                return False
            found = views.report(connection, waiting.report)
            too_late = now - clock.read_rfc3339(found["received_at"]) > GIVE_UP_AFTER
            is_given_up = too_late or waiting.attempts >= MAX_ATTEMPTS
            if is_given_up or not taking.is_for_duty(found):
                snapshots.remove(connection, waiting.report)
                if is_given_up:
                    reason = "late" if too_late else "interrupted"
                    journal.warning(
                        "the pages of a report were not looked at", item=found["id"], reason=reason
                    )
                return True
            if snapshots.taken_by_daemons(connection, now - timedelta(hours=1)) >= PER_HOUR:
                return False
            claimed = snapshots.claim(connection, waiting, now, clock.passing(LEASE))
        if claimed is not None:
            taken = self._app.snapshots.take(found)
            self._app.desk.on_record(partial(self._record, claimed, taken))
            journal.info(
                "pages of a report were looked at", item=report_id(claimed.report),
                count=len(taken), failed=sum(each.problem is not None for each in taken),
            )  # fmt: skip
        return True

    def _record(self, claimed: Waiting, taken: list[Taken], connection: Connection) -> None:
        desk_state.lock_desk(connection)
        # Another daemon, after the lease, may have been there first.
        if not snapshots.is_claimed(connection, claimed):
            return
        desk_snapshots.record(
            connection, claimed.report, taken, by=DAEMON, login=self._app.settings.login,
            clock=clock.now,
        )  # fmt: skip
        snapshots.remove(connection, claimed.report)


def once(app: App) -> None:
    """Look at the pages whose turn it is now (`daemon --once`); raises the errors of `look`."""
    SnapshotRounds(app).look()


def _plan(connection: Connection) -> None:
    """Give the next reports their turn; the first time, only note from where on they have one."""
    desk_state.lock_desk(connection)
    before, last = snapshots.place(connection)
    to = last if before is None else snapshots.plan(connection, before, clock.now())
    snapshots.move(connection, to)
