"""The wiring: opens the parts of the program on demand, for every interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from incidents import clock
from incidents.errors import IncidentsError
from incidents.locale.language import ENGLISH, Language
from incidents.system.side_process import ProcessorBudget
from incidents.view_source import ViewSource

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from incidents.accounts.open_sessions import OpenSessions
    from incidents.accounts.serve_key import Seal
    from incidents.contract.documents.sites import Link
    from incidents.desk import Answer, Desk, Envelope
    from incidents.desk.group_commit import DeskGroupCommit
    from incidents.enforcement.verdict import Comparison
    from incidents.inbox.report_desk import ReportDesk
    from incidents.inbox.report_sources import ReportSources
    from incidents.inbox.rules.acting import RuleDesk
    from incidents.inbox.snapshots.taking import Snapshots
    from incidents.settings.police import ReportDuty
    from incidents.settings.sources import Settings
    from incidents.store.database.replica import Replica
    from incidents.views.queries import Queries


class FastClockError(IncidentsError):
    """{where} is not a rehearsal, so no clock may run {speed} times as fast for it: unset
    INCIDENTS_CLOCK, or make an empty database with db upgrade --rehearsal"""


class App:
    """All parts of the program, wired for one run's settings; each is opened on first use.

    `create`: create a missing SQLite file when the database is opened; code that only reads does
    not set it.
    """

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        self.settings = settings
        self.processor_budget = ProcessorBudget()
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

    @cached_property
    def seal(self) -> Seal:
        """The seal by which this process checks credentials; see `accounts.serve_key`.

        Raises:
            SealedElsewhereError: if the database is sealed with a key that this process lacks.
            FileError: if the key's file cannot be read.
        """
        from incidents.accounts import serve_key

        with self.reading() as connection:
            return serve_key.load_seal(connection, serve_key.key_file(self.settings))

    @cached_property
    def desk(self) -> Desk:
        """The desk, through which all changes are written."""
        from incidents.desk import Desk

        return Desk(self.engine)

    @cached_property
    def reports(self) -> ReportDesk:
        """The reports from outside."""
        from incidents.inbox.report_desk import ReportDesk

        return ReportDesk(
            desk=self.desk, reading=self.reading, settings=self.settings,
            take=self.snapshots.take,
        )  # fmt: skip

    @cached_property
    def rules(self) -> RuleDesk:
        """The intake rules at work."""
        from incidents.inbox.rules.acting import RuleDesk

        return RuleDesk(
            desk=self.desk, reading=self.reading, login=self.settings.login,
            ensure_site=self.reports.ensure_site,
        )  # fmt: skip

    @cached_property
    def report_sources(self) -> ReportSources:
        """The bytes of reports."""
        from incidents.inbox.report_sources import ReportSources

        return ReportSources(desk=self.desk, reading=self.reading, folder=self.settings.evidence)

    @cached_property
    def snapshots(self) -> Snapshots:
        """The taking of snapshots of pages that reports name."""
        from incidents.inbox.snapshots.taking import Snapshots

        return Snapshots(folder=self.settings.evidence)

    @cached_property
    def group_commit(self) -> DeskGroupCommit:
        """The group commit of many threads' commands."""
        from incidents.desk.group_commit import DeskGroupCommit

        return DeskGroupCommit(self.desk)

    @property
    def open_sessions(self) -> OpenSessions:
        """The open sessions, to list and to end."""
        from incidents.accounts.open_sessions import OpenSessions

        return OpenSessions(self.engine, clock.machine_now)

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
    def queries(self, language: Language = ENGLISH, *, views: bool = False) -> Iterator[Queries]:
        """Open the views of one state of the database, in that language.

        With `views` they can be of the replica: see `viewing`.
        """
        from incidents.views.queries import Queries

        with self.viewing() if views else self.reading() as connection:
            yield Queries(
                connection, self.now, lambda: self.report_duty, lambda: self.triage_within,
                lambda: self.lanes_without_channel,
                zone=self.settings.zone, language=language,
            )  # fmt: skip

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

    @property
    def person(self) -> str:
        """The name of the caller, by which the queue finds the caller's items."""
        return self.settings.person

    @cached_property
    def report_duty(self) -> ReportDuty | None:
        """The duty to report from the settings, read once.

        Raises:
            SettingError, UnknownSettingError: as `settings.police.read` does.
        """
        from incidents.settings import police, sources

        return police.read(sources.section(police.SECTION))

    @cached_property
    def triage_within(self) -> timedelta | None:
        """How long a report may wait for triage before the desk is alarmed, from the settings.

        Raises:
            SettingError, UnknownSettingError: as `settings.inbox.read` does.
        """
        from incidents.settings import inbox, sources

        return inbox.read(sources.section(inbox.SECTION)).triage_within

    @cached_property
    def lanes_without_channel(self) -> Mapping[str, str]:
        """The setting that would name a channel, for each lane without a channel; read once."""
        from incidents.notices import notice_settings

        return notice_settings.lanes_without_channel()

    def hand_over(
        self, order: Envelope, *, of: Collection[int] | None = None, dry_run: bool = False
    ) -> list[Answer]:
        """Hand over a person's items on all sites, or only on those in `of`.

        See `desk.hand_over`.
        """
        from incidents.desk import desk

        return desk.hand_over(self.desk, self.reading, order, of=of, dry_run=dry_run)

    def keep_evidence(
        self, file: Path, digest: str, refuse_if_impossible: Callable[[], object]
    ) -> None:
        """Keep a copy of a file to attach, unless the action would be refused.

        A refusal leaves no copy, and no entry names a file that has no copy.

        Raises:
            FileError: as `record.evidence.keep` does.
        """
        from incidents.record import evidence

        refuse_if_impossible()
        evidence.keep(file, digest, self.settings.evidence)

    def link(self, incident: tuple[int, int]) -> Link:
        """Return the link to the customer's page for an incident, with its expiry.

        Raises:
            UnknownIncidentError: if there is no such incident.
            NoCustomerPageError: without [customer] in the settings.
        """
        from incidents import views
        from incidents.notices import customer_link

        links, now = customer_link.required_links(), clock.now()
        with self.reading() as connection:
            found = views.incident(connection, incident)
        return links.document(incident, now, found["links_revoked"])

    def compare(
        self, names: Iterable[str], *, by_name: bool = True, **options: Any
    ) -> list[Comparison]:
        """Compare the ordered and the actual states of sites: see `enforcement.reconciliation`.

        A site that a loss may have left down is opened only if `by_name` is set.
        """
        from incidents.enforcement import routing
        from incidents.enforcement.reconciliation import Reconciliation
        from incidents.store import lineage

        if not by_name:
            with self.reading() as connection:
                options["opens"] = lineage.standing(connection).unproved_since is None

        found = routing.load()
        try:
            own = Reconciliation(reading=self.reading, desk=self.desk, routing=found, **options)
            return [own.compare(name) for name in names]
        finally:
            found.close()

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
        DatabaseError: as `App.engine` does.
    """
    if settings.fast_clock is not None:
        opened = App(settings)
        try:
            assert opened.engine is not None
        finally:
            opened.close()


def open_app(settings: Settings, *, create: bool = False) -> App:
    """Wire the parts of the program for one run; nothing is opened yet."""
    return App(settings, create=create)
