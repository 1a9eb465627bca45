"""The queries: all views of one state of the database, behind one object."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta, tzinfo
from functools import cached_property
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents import views
from incidents.clock import rfc3339
from incidents.contract.queue_filter import EVERYTHING, QueueFilter
from incidents.locale.language import ENGLISH, Language
from incidents.locale.words import TimeFormat
from incidents.store import desk_state
from incidents.views.inbox import intake_rules, reporters, reports
from incidents.views.queue import police

if TYPE_CHECKING:
    from incidents.contract.documents.enforcement import Alarms, Enforcement
    from incidents.contract.documents.filings import FilingOnRecord, TermOfSite
    from incidents.contract.documents.orders import Order, OrderInFull
    from incidents.contract.documents.policies import Activation, Policy
    from incidents.contract.documents.queue import Duties, QueueItem, QueuePage
    from incidents.contract.documents.reports import (
        IntakeRules,
        Reporter,
        ReportInFull,
        ReportPage,
        RulesActivation,
    )
    from incidents.contract.documents.sites import (
        Explanation,
        IncidentInFull,
        Line,
        Site,
        SiteInFull,
    )
    from incidents.settings.police import ReportDuty
    from incidents.views.inbox.reports import ReportFilter


class Queries:
    """The views of one read transaction, by the days of `zone`.

    `now`, `owed` (the duty to report), `triage_within` (the time for a report from outside) and
    `unset` (the settings of the lanes without a channel) are called when needed.
    """

    def __init__(
        self,
        connection: Connection,
        now: Callable[[Connection], datetime],
        owed: Callable[[], ReportDuty | None],
        triage_within: Callable[[], timedelta | None],
        unset: Callable[[], Mapping[str, str]],
        *,
        zone: tzinfo,
        language: Language = ENGLISH,
    ) -> None:
        self._connection = connection
        self._ask_now = now
        self._ask_owed = owed
        self._ask_triage_within = triage_within
        self._ask_unset = unset
        self._zone = zone
        self._language = language

    @cached_property
    def _now(self) -> datetime:
        return self._ask_now(self._connection)

    @property
    def _when(self) -> TimeFormat:
        return TimeFormat(zone=self._zone, now=self._now, language=self._language)

    def queue(
        self, *, mine: str | None = None, wanted: QueueFilter = EVERYTHING, limit: int = 50,
        after: str | None = None, reveal: bool = False,
    ) -> QueuePage:  # fmt: skip
        """One page of the queue; see `views.queue`."""
        return views.queue(
            self._connection, self._now, mine=mine, wanted=wanted, limit=limit, after=after,
            reveal=reveal, report=self._ask_owed(), triage_within=self._ask_triage_within(),
            when=self._when,
        )  # fmt: skip

    def item(self, of: tuple[int, str], *, reveal: bool = False) -> QueueItem | None:
        """One item of the queue; None if there is no such item."""
        return views.item(self._connection, self._now, of, reveal=reveal, when=self._when)

    def site(self, name: str) -> SiteInFull:
        """A site; raises UnknownSiteError."""
        return views.site(self._connection, name, self._now)

    def sites(self, *, state: str | None = None) -> Iterator[Site]:
        """All sites of the register."""
        return views.sites(self._connection, state=state)

    def why(self, name: str) -> Explanation:
        """Explain a site's state; raises UnknownSiteError."""
        return views.why(self._connection, name, self._when)

    def incident(self, key: tuple[int, int]) -> IncidentInFull:
        """An incident with its site and the deadline of its report; raises UnknownIncidentError."""
        found, owed = views.incident(self._connection, key), self._ask_owed()
        due = None if owed is None else police.deadline_of(self._connection, key, owed)
        return {
            **found, "report_due": None if due is None else rfc3339(due),
            "first_report": reports.first_of_incident(self._connection, key),
        }  # fmt: skip

    def timeline(self, site_id: int, incident: int) -> Iterator[Line]:
        """The timeline of an incident."""
        return views.timeline(
            self._connection, site_id, incident, now=self._now, zone=self._zone,
            language=self._language,
        )  # fmt: skip

    def filing(self, name: str) -> FilingOnRecord:
        """The filing of a site; raises UnknownSiteError."""
        return views.filing(self._connection, name)

    def filing_terms(self, until: str | None = None) -> list[TermOfSite]:
        """The running terms of all sites."""
        return views.filing_terms(self._connection, until)

    def unsettled(
        self, *, site: str | None = None, state: str | None = None, limit: int = 100
    ) -> list[Order]:
        """The orders that are not carried out."""
        return views.unsettled(
            self._connection, self._now, site=site, state=state, limit=limit,
            unset=self._ask_unset(),
        )  # fmt: skip

    def order(self, site_id: int, seq: int, lane: str, when: TimeFormat) -> OrderInFull:
        """One order; raises UnknownOrderError."""
        return views.order(
            self._connection, site_id, seq, lane, when=when, now=self._now, unset=self._ask_unset()
        )

    def reports(self, wanted: ReportFilter, *, limit: int, newest: bool = False) -> ReportPage:
        """A page of the reports that match."""
        return reports.page(
            self._connection, wanted, limit=limit, newest=newest, language=self._language
        )

    def report(self, report: int) -> ReportInFull:
        """A report; raises NoSuchReportError."""
        return reports.report(self._connection, report, self._language)

    def reporter(self, named: str) -> Reporter:
        """A reporter, by their address or name."""
        return reporters.reporter(self._connection, named)

    def reporters(self) -> list[Reporter]:
        """The reporters who have a standing."""
        return reporters.with_standing(self._connection)

    def duties(self, *, limit: int = 100) -> Duties:
        """The incidents to report to the police."""
        return views.duties(self._connection, self._now, self._ask_owed(), limit=limit)

    def alarms_now(self) -> Alarms:
        """The current alarms, and whether each was sent."""
        return views.alarms_now(
            self._connection, self._now, self._ask_owed(), self._ask_triage_within(),
            unset=self._ask_unset(),
        )  # fmt: skip

    def enforcement(self) -> Enforcement:
        """The enforcement of the clock, the known daemons, and what is overdue."""
        return views.enforcement(self._connection, self._now)

    def intake_rules(self) -> IntakeRules:
        """The intake rules in force."""
        return intake_rules.in_force(self._connection)

    def rules_history(self) -> list[RulesActivation]:
        """Every activation of intake rules, earliest first."""
        return intake_rules.history(self._connection)

    def active_policy(self) -> Policy:
        """The active policy, in words and as its file."""
        return views.active_policy(self._connection)

    def policy_toml(self) -> str:
        """The file of the active policy, for which no archive part is read."""
        return desk_state.active_policy_toml(self._connection)

    def policy_history(self) -> list[Activation]:
        """Every activation on record, earliest first."""
        return views.policy_history(self._connection)
