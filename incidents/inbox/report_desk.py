"""The desk's reports, for every surface: receive them, and settle one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, reduce
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents import clock
from incidents.desk.desk import Desk
from incidents.desk.envelope import Answer, Envelope, join_answers, remark_documents
from incidents.desk.inbox import address_book as book
from incidents.desk.inbox import intake_rules, reopening, reporters, reports, snapshots
from incidents.desk.inbox.address_book import BookImported
from incidents.errors import NoPageOfIncidentError, NoPageToSeeError, SealedContentError
from incidents.inbox import answering, triage
from incidents.inbox import reopening as reopened
from incidents.inbox.receiving import Delivery, Inbox
from incidents.inbox.rules import trial
from incidents.inbox.snapshots import of_incident, taking
from incidents.intake import rules_file
from incidents.locale.language import ENGLISH, Language
from incidents.machine import policy as machine_policy
from incidents.machine.commands import AddSite
from incidents.machine.refusal import Remark
from incidents.settings import inbox, sources
from incidents.store import desk_state
from incidents.store.cases import incidents, sites
from incidents.store.database.engine import Reading
from incidents.store.inbox import address_book
from incidents.store.inbox import reports as store
from incidents.store.inbox.address_book import Holding
from incidents.values import inputs
from incidents.values.ids import incident_id
from incidents.views.inbox import intake_rules as rule_views
from incidents.views.inbox import reporters as reporter_views
from incidents.views.inbox import reports as views

if TYPE_CHECKING:
    from incidents.contract.documents.reports import (
        CheckedRules,
        Report,
        Reporter,
        ReportInFull,
        RulesActivated,
        RulesTrial,
        Settled,
    )
    from incidents.desk.inbox.snapshots import Taken
    from incidents.settings.sources import Settings


PATIENCE_S = 5.0
"""How long a person's report waits for a child that reads it, in seconds."""
MOST_NAMED = 10
"""The maximum number of sites that a remark names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDesk:
    """The reports of one database. `take`: what looks at the addresses of a report."""

    desk: Desk
    reading: Reading
    settings: Settings
    take: Callable[[ReportInFull], list[Taken]]

    def inbox(
        self, channel: str, by: str, login: str | None, *, patience_s: float | None = None
    ) -> Inbox:
        """The inbox for reports that the person or the duty brings by that channel."""
        own = inbox.read(sources.section(inbox.SECTION))
        return Inbox(
            desk=self.desk, folder=self.settings.evidence, limit=self.settings.evidence_limit,
            options={"zone": self.settings.zone, "shadowserver_schema": own.shadowserver},
            channel=channel, by=by, login=login, patience_s=patience_s,
        )  # fmt: skip

    def receive(
        self, deliveries: Iterable[Delivery], *, channel: str, by: str, login: str | None,
        language: Language = ENGLISH,
    ) -> Iterator[tuple[ReportInFull, bool]]:  # fmt: skip
        """Receive the reports, in order; each is on record when it is yielded.

        With each comes whether it is new: otherwise the same bytes came in before. `language`: of
        the reasons in the documents.

        Raises the errors of `Inbox.receive`.
        """
        own = self.inbox(channel, by, login, patience_s=PATIENCE_S)
        for received in own.receive(deliveries):
            with self.reading() as connection:
                found = [views.report(connection, each.id, language) for each in received]
            for report, each in zip(found, received, strict=True):
                yield report, each.is_new

    def ensure_site(
        self, name: str, report: Report, *, by: str, login: str | None, at: datetime | None = None
    ) -> None:
        """Add the site to the register if it is missing there: see `missing_site`."""
        self.desk.submit(self.missing_site(name, report, by=by, login=login, at=at))

    def missing_site(
        self, name: str, report: Report, *, by: str, login: str | None, at: datetime | None = None
    ) -> list[Envelope]:
        """The command that adds the site if it is not in the register, but in the address book.

        Somebody had it when the report saw it, or at `at` (UTC; otherwise now). What the address
        book does not know either is left to the desk, which refuses it.
        """
        with self.reading() as connection:
            if sites.ids_by_name(connection, [name]):
                return []
            known: tuple[tuple[address_book.Kind, str], ...] = (("site", name), ("domain", name))
            then = at or clock.now()
            is_known = name in report["candidates"]
            if not is_known and not address_book.of_values(connection, known, then, then):
                return []
        return [Envelope(site=name, command=AddSite(by=by), login=login)]

    def check_rules(self, toml: str) -> CheckedRules:
        """The rules as an activation would keep them, and what would refuse it.

        Raises:
            RulesError: if the text has no rules that can be used.
        """
        wanted = rules_file.read(toml)
        with self.reading() as connection:
            return rule_views.checked(connection, wanted)

    def try_rules(self, toml: str, *, days: int) -> RulesTrial:
        """Try intake rules on the reports of the last `days`; nothing is changed.

        Raises:
            RulesError: if the text has no rules that can be used.
        """
        with self.reading() as connection:
            policy = machine_policy.read(desk_state.active_policy_toml(connection))
            until = desk_state.now(connection)
            return trial.try_rules(
                connection, rules_file.read(toml), policy, since=until - timedelta(days=days),
                until=until + timedelta(microseconds=1),
            )  # fmt: skip

    def activate_rules(
        self, toml: str, *, by: str, login: str | None, reason: str, key: str | None = None,
        given_key: str | None = None, dry_run: bool = False,
    ) -> RulesActivated:  # fmt: skip
        """Bring intake rules into force for all later reports, on record with the reason.

        Raises:
            RulesError: if the text has no rules that can be used.
            RulesInForceError, RuleOwnerError, KeyReusedError: see `desk.intake_rules.activate`.
        """
        wanted = intake_rules.RulesActivation(
            rules=rules_file.read(toml), by=by, login=login, reason=reason, key=key,
            given_key=given_key,
        )  # fmt: skip
        if dry_run:
            with self.reading() as connection:
                return intake_rules.expected(connection, wanted)
        return self.desk.on_record(partial(intake_rules.activate, wanted=wanted, clock=clock.now))

    def import_book(
        self, holdings: Sequence[Holding], digest: str, *, by: str, login: str | None
    ) -> BookImported:
        """Import entries of the address book, from a file with that SHA-256 (hexadecimal)."""
        return self.desk.on_record(
            partial(
                book.import_, holdings=holdings, digest=digest, by=by, login=login, clock=clock.now
            )
        )

    def waiting(self, report: int, language: Language = ENGLISH) -> ReportInFull:
        """The report, which waits for the desk.

        Raises:
            NoSuchReportError, ReportSettledError: see `desk.reports.waiting`.
        """
        with self.reading() as connection:
            reports.waiting(connection, report)
            return views.report(connection, report, language)

    def settle(
        self, report: ReportInFull, envelope: Envelope, *, before: Sequence[Envelope] = (),
        dry_run: bool = False, keep_open: bool = False,
    ) -> Answer:  # fmt: skip
        """Log or join the report by a command of `triage`, after those `before` it.

        `keep_open`: the report waits on as long as it names sites of which nothing has become.

        Raises:
            NoSuchReportError, ReportSettledError: see `desk.reports.waiting`.
            ReportLedThereError: see `desk.reports.LeadToIncident`.
        """
        command, login = envelope.command, envelope.login
        sequel = triage.sequel(report, command, login, keep_open=keep_open)
        answers = self.desk.submit([*before, envelope], dry_run=dry_run, sequel=sequel)
        answer, *more = answers[len(before) :]
        return triage.remarked(reduce(join_answers, more, answer), report, keep_open=keep_open)

    def dismiss(
        self, report: int, reason: str, *, not_ours: bool, by: str, login: str | None,
        tell_reporter: bool = False, dry_run: bool = False,
    ) -> Settled:  # fmt: skip
        """Dismiss the report, and answer with it; a dry run only checks whether that is possible.

        `tell_reporter`: the mail on the outcome, if there is one, has the reason. If there is none,
        a remark says so. Another one names the sites here that a report `not_ours` may be about.

        Raises:
            NoSuchReportError, ReportSettledError: see `desk.reports.waiting`.
            ReportLedSomewhereError: see `desk.reports.led_before`.
        """
        # Of one that has led to incidents, those of the rest alone.
        sites = self.waiting(report)["candidates"]
        if dry_run:
            with self.reading() as connection:
                reports.led_before(connection, report, tell_reporter=tell_reporter)
        else:
            self.desk.on_record(
                partial(
                    reports.dismiss, report=report, reason=reason, not_ours=not_ours, by=by,
                    login=login, clock=clock.now, tell_reporter=tell_reporter,
                )
            )  # fmt: skip
        with self.reading() as connection:
            found = views.report(connection, report)
            remarks = self._untold(connection, report, found) if tell_reporter else []
        if not_ours and sites:
            facts = {"report": found["id"], "sites": sites[:MOST_NAMED]}
            remarks.append(Remark("report_may_be_ours", facts))
        return _answer(found, remarks)

    @staticmethod
    def _untold(connection: Connection, id_: int, report: ReportInFull) -> list[Remark]:
        """The remark that nobody will be sent the reason, if that is so."""
        settings = inbox.read(sources.section(inbox.SECTION))
        reading = views.reading(connection, id_)
        why = answering.untold(reading, report["channel"], report["standing"], settings)
        facts = {"report": report["id"], "cause": why}
        return [] if why is None else [Remark("reason_not_told", facts)]

    def reopen(
        self, report: int, reason: str, *, by: str, login: str | None, dry_run: bool = False
    ) -> Settled:
        """Let a report that has ended wait again, and return the answer with it.

        A dry run only checks that it can. The remarks say what stays as it is.

        Raises:
            NoSuchReportError, ReportWaitsError, ReportErasedError: see `desk.reopening.settled`.
        """
        with self.reading() as connection:
            row = reopening.settled(connection, report)
            before = store.incidents_before(connection, [report]).get(report, [])
            led = store.incidents_of(row, before)
            found = incidents.whole(connection, led)
            void = {key for key, each in found.items() if each.state == "voided"}
            stay = {incident_id(*key): how for key, how in led.items() if key not in void}
            remarks = list(reopened.remarks(views.report(connection, report), stay))
        if not dry_run:
            self.desk.on_record(
                partial(
                    reopening.reopen, report=report, reason=reason, by=by, login=login,
                    clock=clock.now,
                )
            )  # fmt: skip
        with self.reading() as connection:
            return _answer(views.report(connection, report), remarks)

    def retest(self, report: int, *, by: str, login: str | None, dry_run: bool = False) -> Settled:
        """Look at the addresses of the report, and put on record what is there.

        A dry run only checks that there is something to look at.

        Raises:
            NoSuchReportError: if there is none.
            SealedContentError: if the report may show child abuse.
            NoPageToSeeError: if it names no address on a site that it may be about.
            NoSnapshotLibraryError, FileError: as `Snapshots.take` does.
        """
        with self.reading() as connection:
            found = views.report(connection, report)
        if found["sealed"]:
            raise SealedContentError(about=found["id"])
        if not taking.addresses(found):
            raise NoPageToSeeError(report=found["id"])
        if not dry_run:
            self._look(found, by, login)
        with self.reading() as connection:
            return _answer(views.report(connection, report))

    def retest_incident(self, incident: tuple[int, int], *, by: str, login: str | None) -> None:
        """Look again at the incident's addresses, and put on record what is there.

        They are those of the report that led to it, on its own site alone.

        Raises:
            NoPageOfIncidentError: if there are none, or if they may show child abuse.
            NoSnapshotLibraryError, FileError: as `Snapshots.take` does.
        """
        with self.reading() as connection:
            found = of_incident.report_of(connection, incident)
        if found is None:
            raise NoPageOfIncidentError(incident=incident_id(*incident))
        self._look(found, by, login)

    def _look(self, found: ReportInFull, by: str, login: str | None) -> None:
        report, taken = inputs.report(found["id"]), self.take(found)
        self.desk.on_record(
            partial(
                snapshots.record, report=report, taken=taken, by=by, login=login, clock=clock.now
            )
        )

    def mark(
        self, reporter: str, standing: str, reason: str, *, by: str, login: str | None,
        dry_run: bool = False,
    ) -> Reporter:  # fmt: skip
        """Give the reporter, as `inputs.reporter` reads it, a standing; return the reporter."""
        if not dry_run:
            self.desk.on_record(
                partial(
                    reporters.mark, reporter=reporter, standing=standing, reason=reason, by=by,
                    login=login, clock=clock.now,
                )
            )  # fmt: skip
        with self.reading() as connection:
            return reporter_views.reporter(connection, reporter)


def _answer(report: ReportInFull, remarks: Sequence[Remark] = ()) -> Settled:
    """The answer to an act on a report that touches no site."""
    return {
        "site": None, "incident": None, "incidents": [], "events": [],
        "remarks": remark_documents(remarks), "repeated": False, "report": report,
    }  # fmt: skip
