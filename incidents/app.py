"""The wiring: it opens every room that is entered, for whatever runs the program."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from incidents import clock
from incidents.locale.language import ENGLISH, Language
from incidents.system.side_process import Expenses

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy import Connection, Engine

    from incidents.accounts.open_sessions import OpenSessions
    from incidents.accounts.serve_key import Seal
    from incidents.contract.documents.sites import Link
    from incidents.desk import Answer, Desk, Envelope
    from incidents.desk.group_commit import CommandBatcher
    from incidents.enforcement.reconciliation import Comparison
    from incidents.settings.police import ReportDuty
    from incidents.settings.sources import Settings
    from incidents.views.looks import Looks


class App:
    """All rooms, wired for one run's settings; each is opened when it is first entered.

    With `makes` a SQLite file that is not there is made; reading one never does.
    """

    def __init__(self, settings: Settings, *, makes: bool = False) -> None:
        self.settings = settings
        self.expenses = Expenses()
        self._makes = makes

    @cached_property
    def bare_engine(self) -> Engine:
        """The database, whatever it holds: for `incidents db`.

        Raises:
            InputError: for a URL that names no database.
            DatabaseError: if its driver is not installed.
        """
        from incidents.store.database import engine

        return engine.create(self.settings.db, make=self._makes)

    @cached_property
    def engine(self) -> Engine:
        """The database with the schema of this program.

        Raises:
            DatabaseError: if it is not there, or holds anything else.
        """
        from incidents.store.database import schema

        schema.ensure(self.bare_engine, make=self._makes)
        return self.bare_engine

    @property
    def is_entered(self) -> bool:
        """Whether anybody has asked for `engine`, and found it to be one."""
        return "engine" in self.__dict__

    @cached_property
    def seal(self) -> Seal:
        """By what this process knows who may come in; see `accounts.serve_key`.

        Raises:
            SealedElsewhereError: if the database is sealed with a key that this process has not.
            FileError: if the key's file cannot be read.
        """
        from incidents.accounts import serve_key

        with self.reading() as connection:
            return serve_key.seal_of(connection, serve_key.key_file(self.settings))

    @cached_property
    def desk(self) -> Desk:
        """The write path."""
        from incidents.desk import Desk

        return Desk(self.engine)

    @cached_property
    def gatherer(self) -> CommandBatcher:
        """The way to the desk for many threads at once."""
        from incidents.desk.group_commit import CommandBatcher

        return CommandBatcher(self.desk)

    @property
    def open_sessions(self) -> OpenSessions:
        """The sessions that hold, to be looked at and ended."""
        from incidents.accounts.open_sessions import OpenSessions

        return OpenSessions(self.engine, clock.now)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that reads one state of the database."""
        from incidents.store.database import engine

        with engine.plainly(self.engine), engine.reading(self.engine) as connection:
            yield connection

    @contextmanager
    def looking(self, language: Language = ENGLISH) -> Iterator[Looks]:
        """What people look at, in one state of the database, told in that language."""
        from incidents.views.looks import Looks

        with self.reading() as connection:
            yield Looks(
                connection, self.now, lambda: self.report_duty, lambda: self.lanes_without_channel,
                zone=self.settings.zone, language=language,
            )  # fmt: skip

    @contextmanager
    def glancing(self) -> Iterator[Connection]:
        """For one question alone, which reads one state of the database by itself."""
        from incidents.store.database import engine

        with engine.plainly(self.engine), engine.glancing(self.engine) as connection:
            yield connection

    def now(self, connection: Connection) -> datetime:
        """The time by which the clock's enforcement is judged, in UTC.

        The database's own where it has one, since that is whose time daemons beat in, and one
        workstation that is ten seconds off must not cry that nothing enforces the clock.
        """
        from incidents.store import desk_state

        return desk_state.now(connection)

    @cached_property
    def is_rehearsal(self) -> bool:
        """Whether any clock is taken here, which every view says: see `desk_state`."""
        from incidents.store import desk_state

        with self.glancing() as connection:
            return desk_state.is_rehearsal(connection)

    def texts(self, refs: Iterable[str | None]) -> dict[str | None, str]:
        """What references to sealed values stand for; erased ones are left out."""
        from incidents.store import entries

        asked = {ref for ref in refs if ref is not None}
        if not asked:
            return {}
        with self.reading() as connection:
            return dict(entries.values(connection, asked).items())

    @property
    def person(self) -> str:
        """Who asks: the name by which the queue knows what is theirs."""
        return self.settings.person

    @cached_property
    def report_duty(self) -> ReportDuty | None:
        """The duty to report, read from the settings file once; raises as `settings.police.read`
        does."""
        from incidents.settings import police, sources

        return police.read(sources.section(police.SECTION))

    @cached_property
    def lanes_without_channel(self) -> Mapping[str, str]:
        """The setting of each lane without a channel; the settings file is read once."""
        from incidents.notices import notice_settings

        return notice_settings.lanes_without_channel()

    def hand_over(
        self, order: Envelope, *, of: Collection[int] | None = None, dry_run: bool = False
    ) -> list[Answer]:
        """Give what somebody holds, all or `of` those sites, to another: see `desk.hand_over`."""
        from incidents.desk import desk

        return desk.hand_over(self.desk, self.reading, order, of=of, dry_run=dry_run)

    def keep_evidence(
        self, file: Path, digest: str, refuse_if_impossible: Callable[[], object]
    ) -> None:
        """Keep a copy of a file that is to be attached, unless the act would be refused.

        What is refused leaves no copy behind, and no entry names a file that is not kept.

        Raises:
            FileError: as `record.evidence.keep` does.
        """
        from incidents.record import evidence

        refuse_if_impossible()
        evidence.keep(file, digest, self.settings.evidence)

    def link(self, incident: tuple[int, int]) -> Link:
        """The link to the customer's page of an incident, and until when it holds.

        Raises:
            UnknownIncidentError: if there is none.
            NoCustomerPageError: without [customer] in the settings.
        """
        from incidents import views
        from incidents.notices import customer_link

        links, now = customer_link.required_links(), clock.now()
        with self.reading() as connection:
            found = views.incident(connection, incident)
        return links.document(incident, now, found["links_revoked"])

    def compare(
        self, names: Iterable[str], *, by_name: bool = True, **asked: Any
    ) -> list[Comparison]:
        """What is ordered of those sites, and what is in force: see `enforcement.reconciliation`.
        What a loss may have left down is opened only `by_name`."""
        from incidents.enforcement import routing
        from incidents.enforcement.reconciliation import Reconciliation
        from incidents.store import lineage

        if not by_name:
            with self.reading() as connection:
                asked["opens"] = lineage.standing(connection).unproved_since is None

        found = routing.load()
        try:
            own = Reconciliation(reading=self.reading, desk=self.desk, routing=found, **asked)
            return [own.compare(name) for name in names]
        finally:
            found.close()

    def close(self) -> None:
        """Let go of the database's connections."""
        if "bare_engine" in self.__dict__:
            self.bare_engine.dispose()


def open_house(settings: Settings, *, makes: bool = False) -> App:
    """The rooms for one run; nothing is opened yet."""
    return App(settings, makes=makes)
