"""The wiring: opens the parts of the program on demand, for every interface."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from incidents import clock
from incidents.locale.language import ENGLISH, Language
from incidents.opened_database import OpenedDatabase
from incidents.system.side_process import ProcessorBudget

if TYPE_CHECKING:
    from datetime import timedelta
    from pathlib import Path

    from incidents.accounts.open_sessions import OpenSessions
    from incidents.accounts.serve_key import Seal
    from incidents.contract.documents.sites import Link
    from incidents.desk import Answer, Desk, Envelope
    from incidents.desk.group_commit import DeskGroupCommit
    from incidents.enforcement.verdict import Comparison
    from incidents.inbox.report_desk import ReportDesk
    from incidents.inbox.report_sources import ReportSources
    from incidents.inbox.rules.acting import RuleDesk
    from incidents.inbox.snapshots.screenshot import Screenshots
    from incidents.inbox.snapshots.taking import Snapshots
    from incidents.settings.police import ReportDuty
    from incidents.settings.sources import Settings
    from incidents.views.queries import Queries


class App(OpenedDatabase):
    """All parts of the program, wired for one run's settings; each is opened on first use."""

    def __init__(self, settings: Settings, *, create: bool = False) -> None:
        super().__init__(settings, create=create)
        self.processor_budget = ProcessorBudget()

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

        return Snapshots(folder=self.settings.evidence, screenshots=self._screenshots)

    @staticmethod
    def _screenshots() -> Screenshots | None:
        """What takes screenshots by the settings of now; None if they want none.

        Raises:
            SettingError, UnknownSettingError: as `settings.inbox.read` does.
        """
        from incidents.inbox.snapshots.screenshot import Screenshots
        from incidents.settings import inbox, sources

        own = inbox.read(sources.section(inbox.SECTION))
        if not own.screenshots:
            return None
        return Screenshots(program=own.browser, sandbox=own.browser_sandbox)

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
        from incidents.store.log import lineage

        if not by_name:
            with self.reading() as connection:
                options["opens"] = lineage.standing(connection).unproved_since is None

        found = routing.load()
        try:
            own = Reconciliation(reading=self.reading, desk=self.desk, routing=found, **options)
            return [own.compare(name) for name in names]
        finally:
            found.close()


def open_app(settings: Settings, *, create: bool = False) -> App:
    """Wire the parts of the program for one run; nothing is opened yet."""
    return App(settings, create=create)
