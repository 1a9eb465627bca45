"""The opened database: the primary and its replica, each opened on first use, and read here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from incidents import clock
from incidents.errors import IncidentsError
from incidents.view_source import ViewSource

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection, Engine

    from incidents.settings.sources import Settings
    from incidents.store.database.replica import Replica


class FastClockError(IncidentsError):
    """{where} is not a rehearsal, so no clock may run {speed} times as fast for it: unset
    INCIDENTS_CLOCK, or make an empty database with db upgrade --rehearsal"""


class OpenedDatabase:
    """The database of one run's settings; its parts are opened on first use.

    `create`: create a missing SQLite file when the database is opened; code that only reads does
    not set it.
    """

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        self.settings = settings
        self._create = create
        self._has_written = False

    @cached_property
    def bare_engine(self) -> Engine:
        """The database, whatever its content, for `incidents db`.

        Raises:
            InputError: for a URL that names no database.
            DatabaseError: if its driver is not installed.
        """
        from incidents.store.database import engine

        made = engine.create(self.settings.db, make=self._create)
        if self.settings.replica is not None:
            made.update_execution_options(**{engine.WRITTEN: self._note_write})
        return made

    def _note_write(self) -> None:
        self._has_written = True
        if (replica := self.__dict__.get("replica")) is not None:
            replica.primary.note_write()

    @cached_property
    def engine(self) -> Engine:
        """The database with this program's schema.

        Raises:
            DatabaseError: if the database is missing, or has any other content.
            FastClockError: if the clock of the settings is for a rehearsal, which this is not.
        """
        from incidents.store.database import schema

        schema.ensure(self.bare_engine, make=self._create)
        if self.settings.fast_clock is not None:
            self._check_rehearsal(self.settings.fast_clock)
        return self.bare_engine

    def _check_rehearsal(self, fast_clock: clock.FastClock) -> None:
        from incidents.store import desk_state
        from incidents.store.database import address, engine

        bare = self.bare_engine
        with engine.plainly(bare), engine.single_query(bare) as connection:
            if not desk_state.is_rehearsal(connection):
                raise FastClockError(where=address.display_address(bare), speed=fast_clock.speed)

    @property
    def is_opened(self) -> bool:
        """Whether `engine` or the replica was used, and has the schema."""
        return "engine" in self.__dict__ or self._has_fitting_replica

    @property
    def _has_fitting_replica(self) -> bool:
        return "views" in self.__dict__ and self.views.has_fitting_replica

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that reads one state of the database."""
        from incidents.store.database import engine

        with engine.plainly(self.engine), engine.reading(self.engine) as connection:
            yield connection

    @cached_property
    def replica(self) -> Replica | None:
        """The standby for reading; None without one in the settings.

        Raises:
            InputError: if it or the database is not of PostgreSQL, or its URL cannot be read.
        """
        if self.settings.replica is None:
            return None
        from incidents.store.database import engine
        from incidents.store.database.replica import Replica

        if self.bare_engine.dialect.name == "sqlite":
            raise engine.no_replica()
        standby = engine.create_replica(self.settings.replica)
        found = Replica(standby, lambda: self.bare_engine, self.settings.replica_lag)
        if self._has_written:
            found.primary.note_write()
        return found

    @cached_property
    def views(self) -> ViewSource:
        """Where this process reads what people look at."""
        return ViewSource(lambda: self.engine, self.replica)

    @contextmanager
    def viewing(self, *, latest: bool = True, after: int = 0) -> Iterator[Connection]:
        """Open a transaction for people to look at one state: see `ViewSource.reading`.

        What leads to an action reads the primary: `reading`.

        Raises:
            ReplicaReadError: if the replica fails meanwhile: then the primary can still be read.
        """
        with self.views.reading(latest=latest, after=after) as connection:
            yield connection

    def check_reading(self) -> None:
        """Check that the record can be read, from the replica or the primary.

        Raises:
            DatabaseError: if neither answers with the right schema.
        """
        from incidents.store import desk_state

        with self.viewing(latest=False) as connection:
            desk_state.active_policy(connection)

    @contextmanager
    def single_query(self) -> Iterator[Connection]:
        """Open a connection for a single query."""
        from incidents.store.database import engine

        with engine.plainly(self.engine), engine.single_query(self.engine) as connection:
            yield connection

    def now(self, connection: Connection) -> datetime:
        """Return the time (UTC) for deciding whether the clock is enforced.

        It is the database's own time, if the database has a clock: daemons' heartbeats use that
        time, and a workstation whose clock is ten seconds off must not report that nothing enforces
        the clock.
        """
        from incidents.store import desk_state

        return desk_state.now(connection)

    @cached_property
    def is_rehearsal(self) -> bool:
        """Whether this database accepts simulated times, as every view says: see `desk_state`."""
        from incidents.store import desk_state

        # A command that was shown the replica need not find the primary.
        views = self._has_fitting_replica and "engine" not in self.__dict__
        with self.viewing(latest=False) if views else self.single_query() as connection:
            return desk_state.is_rehearsal(connection)

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """Return the texts of references to sealed values; erased ones are left out."""
        from incidents.store import entries

        wanted = {ref for ref in refs if ref is not None}
        if not wanted:
            return {}
        with self.reading() as connection:
            return dict(entries.values(connection, wanted).items())

    def close(self) -> None:
        """Close the database's connections."""
        if "bare_engine" in self.__dict__:
            self.bare_engine.dispose()
        if (replica := self.__dict__.get("replica")) is not None:
            replica.engine.dispose()


def check_clock(settings: Settings) -> None:
    """Check that the database may have the clock of the settings, on connections of its own.

    Raises:
        FastClockError: if that clock is for a rehearsal, which the database is not.
        DatabaseError: as `OpenedDatabase.engine` does.
    """
    if settings.fast_clock is not None:
        opened = OpenedDatabase(settings)
        try:
            assert opened.engine is not None
        finally:
            opened.close()
