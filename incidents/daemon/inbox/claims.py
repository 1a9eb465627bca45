"""The rounds of a duty that follows what comes in, and works it off one by one.

Each thing is claimed in one transaction, done outside any, and put on record in a third. After a
kill between the last two it is done again when the claim ends.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from incidents.app import App
from incidents.daemon.part import Part
from incidents.settings import inbox, sources
from incidents.settings.inbox import InboxSettings
from incidents.store import desk_state
from incidents.store.database import schema
from incidents.store.database.engine import plainly, reading, writing
from incidents.store.inbox.claims import Place
from incidents.store.log import lineage

Work = Callable[[], bool]
"""What is to be done outside any transaction; it returns whether to go on with the next."""


def nothing() -> bool:
    """Do nothing, and go on with the next."""
    return True


class Pending(ABC):
    """What waits in one round of a duty."""

    def has_more(self, connection: Connection) -> bool:  # noqa: ARG002 - for who needs it
        """Whether anything is to wait now beside what came in; to look takes no lock."""
        return False

    @abstractmethod
    def plan(self, connection: Connection, after: int | None) -> int | None:
        """Let the next things wait, in a transaction that holds the lock of the desk.

        `after`: the number of the last one that was seen; None: none of those that are there waits.

        Returns:
            The number of the last one that was seen now; None: of all that are there.
        """

    @abstractmethod
    def claim(self, connection: Connection, now: datetime) -> Work | None:
        """Claim the next that is due at `now` (UTC); None if none is, or none may be done."""


class Rounds(ABC):
    """The rounds of one daemon; `stopped` is called between two transactions."""

    def __init__(
        self, app: App, place: Place, failure: str, *, stopped: Callable[[], bool]
    ) -> None:  # fmt: skip
        self._app, self._engine = app, app.bare_engine
        self._place, self._stopped = place, stopped
        self._part = Part(failure)

    @abstractmethod
    def pending(self, settings: InboxSettings) -> Pending | None:
        """What waits in this round; None if the settings leave the duty off.

        Raises:
            SettingError, UnknownSettingError, TemplateError: if a setting is wrong.
            NoSnapshotLibraryError: without the libraries for requests.
        """

    def run(self) -> None:
        """Do one round of the duty; log errors."""
        self._part.attempt(self.round)

    def round(self) -> None:
        """Let wait what has come in, and work off what is due.

        Raises:
            SettingError, UnknownSettingError, TemplateError, NoSnapshotLibraryError: as `pending`.
            DatabaseError, FileError: if the database fails, or a file cannot be kept.
        """
        settings = inbox.read(sources.section(inbox.SECTION))
        schema.check(self._engine)
        pending = self.pending(settings)
        if pending is None:
            self._rest()
            return
        while not self._stopped() and self._has_news(pending):
            self._app.desk.on_record(partial(self._plan, pending))
        if self._is_halted():
            return
        while not self._stopped() and self._do_next(pending):
            pass

    def _rest(self) -> None:
        """Forget the place: what comes in until the duty is on again never waits."""
        with plainly(self._engine), reading(self._engine) as connection:
            is_on = self._place.read(connection)[0] is not None
        if is_on:
            self._app.desk.on_record(partial(self._place.move, to=None))

    def _has_news(self, pending: Pending) -> bool:
        with plainly(self._engine), reading(self._engine) as connection:
            before, last = self._place.read(connection)
            return before is None or before < last or pending.has_more(connection)

    def _plan(self, pending: Pending, connection: Connection) -> None:
        desk_state.lock_desk(connection)
        before, last = self._place.read(connection)
        seen = pending.plan(connection, before)
        self._place.move(connection, last if seen is None else seen)

    def _is_halted(self) -> bool:
        """Whether this database may be a copy, whose daemon tells and asks nobody anything."""
        with plainly(self._engine), reading(self._engine) as connection:
            return lineage.standing(connection).halted_since is not None

    def _do_next(self, pending: Pending) -> bool:
        with plainly(self._engine), writing(self._engine) as connection:
            work = pending.claim(connection, self._app.now(connection))
        return work is not None and work()
