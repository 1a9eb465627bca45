"""The watch: looks for whoever asks, one look at a time, and answers in time whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from threading import Lock
from typing import Protocol

from sqlalchemy import Connection, Engine

from incidents.enforcement.attempts import Attempts
from incidents.errors import IncidentsError
from incidents.metrics.database import always, look
from incidents.metrics.samples import Samples
from incidents.metrics.tail import Tail, Tally
from incidents.store.database.engine import plainly, reading

PATIENCE_S = 4.0
"""So long a look may take, and so long another may wait for it: a scrape gives up after ten."""


class House(Protocol):
    """Where the database is, and its time."""

    @property
    def bare_engine(self) -> Engine:
        """The database, whatever it holds."""

    def now(self, connection: Connection) -> datetime:
        """The database's time, in UTC."""


class Watch:
    """What a process can tell at this moment.

    A database that does not answer takes up one thread and one connection, however often it is
    asked for; `warn` is told why, once.
    """

    def __init__(
        self, house: House, *, warn: Callable[..., None], patience_s: float = PATIENCE_S
    ) -> None:
        self.tally = Tally()
        self._tail = Tail()
        self._house = house
        self._warn = warn
        self._patience_s = patience_s
        self._turn = Lock()
        self._attempts: Attempts[Samples | None] = Attempts(
            limit_s=patience_s, most=1, late=None, full=None
        )
        self._trouble: str | None = None

    def begin(self) -> None:
        """Count from here on; if the database cannot be looked at yet, from the first look on."""
        self._looked(tell=lambda _: None)

    def samples(self) -> Samples:
        """What the database says, or that it says nothing, and what was counted."""
        found = self._looked(self._tell) or always(up=False)
        self._tail.tell(found)
        self.tally.tell(found)
        return found

    def _looked(self, tell: Callable[[str | None], None]) -> Samples | None:
        if not self._turn.acquire(timeout=self._patience_s):
            return None
        try:
            found = self._attempts.run(self._look)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and shown as 0
            tell(error.message if isinstance(error, IncidentsError) else type(error).__name__)
            return None
        finally:
            self._turn.release()
        tell(None if found else f"it took longer than {self._patience_s:.0f} s")
        return found

    def _look(self, _until: float) -> Samples:
        # Not the one that makes a new file's tables: the daemon's own duties do, one at a time.
        engine = self._house.bare_engine
        with plainly(engine), reading(engine) as connection:
            found = look(connection, self._house.now(connection))
            self._tail.advance(connection)
        return found

    def _tell(self, trouble: str | None) -> None:
        if trouble is not None and trouble != self._trouble:
            self._warn("the metrics cannot be read", reason=trouble)
        self._trouble = trouble
