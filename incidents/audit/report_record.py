"""The reports on record: what came in, and how each report ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from incidents.audit.account_record import misread
from incidents.audit.rows import Row
from incidents.record import report_events
from incidents.record.report_events import ReportEvent
from incidents.store.reports import (
    DISMISSED,
    JOINED,
    LOGGED,
    NEW,
    NOT_OURS,
    UNREADABLE,
    Report,
    Settlement,
)
from incidents.store.schema.report_tables import reports
from incidents.store.schema.types import recorded
from incidents.values import ids


@dataclass(slots=True)
class ReportRecord:
    """The rows of reports, by number."""

    reports: dict[int, Report] = field(default_factory=dict)

    def take(self, event: ReportEvent) -> None:
        """Process the next action.

        Raises:
            MisreadError: with the reason why the action cannot follow the earlier actions.
        """
        match event:
            case report_events.ReportReceived():
                self._receive(event)
            case report_events.ReportLogged(about=about):
                self._lead_to(event, LOGGED, about)
            case report_events.ReportJoined(about=about):
                self._lead_to(event, JOINED, about)
            case report_events.ReportDismissed(not_ours=not_ours, text=text):
                state = NOT_OURS if not_ours else DISMISSED
                self._settle(event, Settlement(state, event.recorded_at, event.by, reason=text))

    def rows(self) -> Iterator[Row]:
        """The rows of the table, without what no entry contains."""
        names = [column.name for column in recorded(reports)]
        return (tuple(getattr(each, name) for name in names) for each in self.reports.values())

    def _receive(self, event: report_events.ReportReceived) -> None:
        if event.report != len(self.reports) + 1:
            said = "the next report is {right}, but it says {said}"
            raise misread("flaw_report", said, right=len(self.reports) + 1, said=event.report)
        self.reports[event.report] = Report(
            id=event.report, digest=event.digest, kept=event.kept, size=event.size,
            received_at=event.recorded_at, channel=event.channel, format=event.format,
            unread=event.unread, reading=event.text, same_id_as=event.same_id_as,
            state=UNREADABLE if event.unread else NEW,
        )  # fmt: skip

    def _lead_to(self, event: ReportEvent, state: str, about: str) -> None:
        found = ids.read_incident_id(about)
        if found is None:
            raise misread("flaw_no_incident", "{about} is no incident", about=about)
        self._settle(event, Settlement(state, event.recorded_at, event.by, *found))

    def _settle(self, event: ReportEvent, how: Settlement) -> None:
        before = self.reports.get(event.report)
        if before is None:
            raise misread("flaw_no_report", "there is no report {report}", report=event.report)
        if before.is_settled:
            said = "the report {report} was settled before"
            raise misread("flaw_report_settled", said, report=event.report)
        self.reports[event.report] = before._replace(**how._asdict())
