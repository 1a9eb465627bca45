"""The reports on record: what came in, how each ended, who reported, and the intake rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from sys import intern

from sqlalchemy import Table

from incidents.audit.account_record import misread
from incidents.audit.rows import Row
from incidents.intake import rules_file
from incidents.intake.rules import Rules
from incidents.record import report_events
from incidents.record.report_events import (
    IntakeRulesActivated,
    ReporterMarked,
    ReportEvent,
    ReportJoined,
    ReportLogged,
)
from incidents.store.inbox import reporters
from incidents.store.inbox.answers import Answer
from incidents.store.inbox.intake_rules import InForce
from incidents.store.inbox.reopenings import Reopening, waiting_again
from incidents.store.inbox.reporters import Reporter
from incidents.store.inbox.reports import (
    DISMISSED,
    JOINED,
    LOGGED,
    NEW,
    NOT_OURS,
    UNREADABLE,
    Led,
    Report,
    Settlement,
)
from incidents.store.inbox.snapshots import Snapshot
from incidents.store.schema.report_tables import answers, reports
from incidents.store.schema.types import recorded
from incidents.values import ids
from incidents.values.parsing import MisreadError


@dataclass(slots=True)
class ReportRecord:
    """The rows of reports, in the order of their numbers, and the rules that came into force.

    `rules`: by their digest. There may be a million reports, so each is kept small, and what many
    have in common is there once.
    """

    reports: list[Report] = field(default_factory=list)
    in_force: list[InForce] = field(default_factory=list)
    rules: dict[str, Rules] = field(default_factory=dict)
    reporters: dict[str, Reporter] = field(default_factory=dict)
    answers: dict[tuple[int, str], Answer] = field(default_factory=dict)
    snapshots: dict[int, list[Snapshot]] = field(default_factory=dict)
    reopenings: dict[int, list[Reopening]] = field(default_factory=dict)
    led: dict[int, list[Led]] = field(default_factory=dict)

    def take(self, event: ReportEvent | IntakeRulesActivated | ReporterMarked) -> None:
        """Process the next action.

        Raises:
            MisreadError: with the reason why the action cannot follow the earlier actions.
        """
        match event:
            case report_events.ReportReceived():
                self._receive(event)
            case report_events.ReportLogged():
                self._lead_to(event, LOGGED)
            case report_events.ReportJoined():
                self._lead_to(event, JOINED)
            case report_events.ReportDismissed(not_ours=not_ours, text=text, by_rule=rule):
                how = Settlement.of_dismissal(
                    NOT_OURS if not_ours else DISMISSED, event.recorded_at, intern(event.by), text,
                    self.led.get(event.report, ()),
                )  # fmt: skip
                self._settle(event, how, rule)
            case report_events.ReportReopened():
                self._reopen(event)
            case IntakeRulesActivated():
                self._activate(event)
            case report_events.ReportAsked(asks=asks, by_rule=rule):
                self._put(self._due(event, rule)._replace(asks=asks))
            case _:
                self._note(event)

    def rows(self) -> Iterator[Row]:
        """The rows of the table in its order, without what no entry contains."""
        return _rows(reports, self.reports)

    def answer_rows(self) -> Iterator[Row]:
        """The rows of the mails to reporters in their order, without what no entry contains."""
        return _rows(answers, (self.answers[key] for key in sorted(self.answers)))

    def led_rows(self) -> Iterator[Row]:
        """The rows of the incidents of reports before they ended, in their order."""
        return (tuple(each) for id_ in sorted(self.led) for each in self.led[id_])

    def snapshot_rows(self) -> Iterator[Row]:
        """The rows of what was found at the addresses of reports, in their order."""
        return (tuple(each) for id_ in sorted(self.snapshots) for each in self.snapshots[id_])

    def reopening_rows(self) -> Iterator[Row]:
        """The rows of how reports ended that were opened again, in their order."""
        return (tuple(each) for id_ in sorted(self.reopenings) for each in self.reopenings[id_])

    def _note(self, event: ReportEvent | IntakeRulesActivated | ReporterMarked) -> None:
        """Process an action that settles no report, and sets no rule."""
        match event:
            case report_events.ReporterAnswered():
                self._answer(event)
            case report_events.ReportSnapshot():
                self._look(event)
            case ReporterMarked(reporter=key, standing=standing, text=text):
                if standing not in reporters.STANDINGS:
                    said = "{standing} is no standing"
                    raise misread("flaw_standing", said, standing=standing)
                row = Reporter(key, standing, event.recorded_at, event.by, text)
                self.reporters[key] = row

    def _activate(self, event: IntakeRulesActivated) -> None:
        last = self.in_force[-1].digest if self.in_force else None
        if event.previous != last:
            other = "the intake rules in force are {last}, but it says {said}"
            raise misread("flaw_other_rules", other, last=last, said=event.previous)
        found = rules_file.read(event.toml)
        if found.digest != event.rules:
            raise misread("flaw_not_rules", "the rules in it are not {rules}", rules=event.rules)
        self.rules[found.digest] = found
        self.in_force.append(
            InForce(
                len(self.in_force) + 1, event.rules, event.toml, event.recorded_at, event.by,
                event.text,
            )
        )  # fmt: skip

    def _receive(self, event: report_events.ReportReceived) -> None:
        if event.report != len(self.reports) + 1:
            said = "the next report is {right}, but it says {said}"
            raise misread("flaw_report", said, right=len(self.reports) + 1, said=event.report)
        last = self.in_force[-1].digest if self.in_force else None
        if event.by_rule is not None:
            rules = self.rules.get(event.rules or "")
            if event.rules != last or rules is None or rules.named(event.by_rule) is None:
                raise self._no_rule(event.by_rule, event.rules)
        self.reports.append(
            Report(
                id=event.report, digest=event.digest, kept=event.kept, size=event.size,
                received_at=event.recorded_at, channel=intern(event.channel),
                format=intern(event.format), unread=event.unread, reading=event.text,
                same_id_as=event.same_id_as, answers=event.answers, asks=event.asks,
                state=UNREADABLE if event.unread else NEW, rule=event.by_rule,
                rules=event.rules and intern(event.rules),
            )
        )  # fmt: skip

    def _answer(self, event: report_events.ReporterAnswered) -> None:
        for report in (event.report, *map(ids.read_report_id, event.others)):
            if report is None or self._named(report) is None:
                raise misread("flaw_no_report", "there is no report {report}", report=report)
            row = Answer(report, event.letter, event.recorded_at, event.problem, event.report)
            self.answers.setdefault((report, event.letter), row)

    def _look(self, event: report_events.ReportSnapshot) -> None:
        if self._named(event.report) is None:
            raise misread("flaw_no_report", "there is no report {report}", report=event.report)
        before = self.snapshots.setdefault(event.report, [])
        before.append(
            Snapshot(
                event.report, len(before) + 1, event.recorded_at, event.by, event.status,
                event.problem, event.size, event.digest, event.cut, event.text, event.screenshot,
                event.no_screenshot,
            )
        )  # fmt: skip

    def _lead_to(self, event: ReportLogged | ReportJoined, state: str) -> None:
        found = ids.read_incident_id(event.about)
        if found is None:
            raise misread("flaw_no_incident", "{about} is no incident", about=event.about)
        if event.stays_open:
            before = self.led.setdefault(self._waiting(event).id, [])
            before.append(Led(event.report, len(before) + 1, state, *found))
            return
        how = Settlement(state, event.recorded_at, intern(event.by), *found)
        self._settle(event, how, event.by_rule)

    def _settle(self, event: ReportEvent, how: Settlement, rule: str | None) -> None:
        before = self._waiting(event) if rule is None else self._due(event, rule)
        self._put(before._replace(**how._asdict()))

    def _reopen(self, event: report_events.ReportReopened) -> None:
        before = self._named(event.report)
        if before is None:
            raise misread("flaw_no_report", "there is no report {report}", report=event.report)
        if not before.is_settled or before.state != event.was:
            said = "the report {report} was {state}, but it says {said}"
            raise misread(
                "flaw_not_ended", said, report=event.report, state=before.state, said=event.was
            )
        own = self.reopenings.setdefault(event.report, [])
        at, by = event.recorded_at, intern(event.by)
        own.append(Reopening.of(before, len(own) + 1, at, by, event.text))
        self.led.pop(event.report, None)
        self._put(waiting_again(before, at))

    def _named(self, report: int) -> Report | None:
        return self.reports[report - 1] if 0 < report <= len(self.reports) else None

    def _put(self, row: Report) -> None:
        self.reports[row.id - 1] = row

    def _due(self, event: ReportEvent, rule: str) -> Report:
        """The report before the rule acted on it."""
        before = self._waiting(event)
        rules = self.rules.get(before.rules or "")
        own = None if rules is None else rules.named(rule)
        if own is None or before.rule != rule or before.asks or own.signature != event.by:
            raise self._no_rule(rule, before.rules)
        return before

    def _waiting(self, event: ReportEvent) -> Report:
        before = self._named(event.report)
        if before is None:
            raise misread("flaw_no_report", "there is no report {report}", report=event.report)
        if before.is_settled:
            said = "the report {report} was settled before"
            raise misread("flaw_report_settled", said, report=event.report)
        return before

    @staticmethod
    def _no_rule(rule: str, rules: str | None) -> MisreadError:
        said = "the rule {rule} of the intake rules {rules} was not to act"
        return misread("flaw_no_rule", said, rule=rule, rules=rules)


def _rows(table: Table, items: Iterable[Report | Answer]) -> Iterator[Row]:
    """The items as rows of the table, without what no entry contains."""
    cells = attrgetter(*(column.name for column in recorded(table)))
    return (cells(each) for each in items)
