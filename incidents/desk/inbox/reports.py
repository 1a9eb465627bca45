"""The desk's own actions that settle reports, each once, or leave them to the desk.

Every action locks the desk's row, after the rows of sites: so a report is received once and settled
once, however many people and programs act on it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from incidents.clock import rfc3339
from incidents.desk import own_stream
from incidents.desk.envelope import Answer, Envelope
from incidents.desk.inbox import rule_owners
from incidents.errors import NoSuchReportError, RefusedError
from incidents.intake.rules import Rule
from incidents.machine.commands import Attach
from incidents.record.report_events import (
    ReportAsked,
    ReportDismissed,
    ReportJoined,
    ReportLogged,
)
from incidents.store.cases import sites
from incidents.store.inbox import answers as letters
from incidents.store.inbox import reopenings, reports
from incidents.store.inbox.reports import Led, Report, Settlement
from incidents.values.ids import incident_id, read_incident_id, report_id

Clock = Callable[[], datetime]

BRAKE_SPAN = timedelta(hours=1)
"""The span within which a rule may log so many reports as its rules allow."""


class ReportSettledError(RefusedError):
    """report {report} is settled already: {state}, by {by} at {at}"""

    def _sentence(self) -> str:
        state = str(self.facts["state"])
        return super()._sentence().replace(state, state.replace("_", " "), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRule:
    """The intake rule that acts on a report, with the digest and the limit of its rules.

    What it does is signed with its name and its owner.
    """

    rule: Rule
    rules: str
    logs_per_hour: int

    @property
    def facts(self) -> dict[str, str]:
        """The facts that its acts have on record."""
        return {"by_rule": self.rule.name, "rules": self.rules}


class RuleStoppedError(RefusedError):
    """the rule {rule} leaves {report} to the desk: {asks}"""


class ReportLedThereError(RefusedError):
    """report {report} has led to {incident} on {site} already: join it, or log it once more on
    purpose (again)"""


class ReportLedSomewhereError(RefusedError):
    """report {report} has led to {incident}, which is the outcome for the
    reporter: dismiss the rest without a reason for the reporter"""


Others = Callable[[Sequence[str]], Sequence[str]]
"""A function that returns the further sites that a report names, besides those given."""


def waiting(connection: Connection, id_: int) -> Report:
    """The report with that number, which waits for the desk.

    Raises:
        NoSuchReportError: if there is none.
        ReportSettledError: if it has ended.
    """
    found = reports.named(connection, [id_]).get(id_)
    if found is None:
        raise NoSuchReportError(given=report_id(id_))
    if found.is_settled:
        assert found.settled_at is not None, "what has ended has a time"
        raise ReportSettledError(
            report=report_id(id_), state=found.state, by=found.settled_by,
            at=rfc3339(found.settled_at),
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadToIncident:
    """What follows when a report is logged, or joined to an incident: see `transaction.Sequel`.

    Its bytes become evidence of the incident, so that the site's own record names the report.
    `kind`: ReportLogged or ReportJoined. `evidence`: the digest, size and name of its bytes; None
    if it has none, or if the command itself attaches them. `by_rule`: the rule that acts; None for
    a person. `others`: the report stays open as long as there are any; None: it ends. `is_cut`:
    there may be others that were not read. `again`: it may lead to the same site once more.
    """

    report: int
    kind: type[ReportLogged | ReportJoined]
    by: str
    login: str | None
    clock: Clock
    evidence: tuple[str, int, str] | None = None
    by_rule: ByRule | None = None
    others: Others | None = None
    is_cut: bool = False
    again: bool = False

    def commands(self, answers: Sequence[Answer]) -> list[Envelope]:
        """The command that attaches the report's bytes to the incident of the last answer."""
        if self.evidence is None:
            return []
        digest, size, name = self.evidence
        site_id, n = _incident(answers[-1])
        attach = Attach(by=self.by, incident=n, digest=digest, size=size, name=name)
        return [Envelope(site=site_id, command=attach, login=self.login)]

    def write(self, connection: Connection, answers: Sequence[Answer]) -> None:
        """Note what the report led to, and that it ended unless it stays open.

        Raises:
            ReportLedThereError: if it has led to that incident, or was logged on its site, before.
            RuleStoppedError and the errors of `waiting`.
        """
        place = _place(connection, self.report, self.clock, self.by_rule)
        site_id, n = _incident(answers[-1])
        before = reports.incidents_before(connection, [self.report]).get(self.report, [])
        self._check(connection, before, site_id, n, answers[-1].site)
        names = sites.names_of(connection, (each.site_id for each in before))
        done = [answers[-1].site, *names.values()]
        stays_open = self.others is not None and (self.is_cut or bool(self.others(done)))
        own_stream.record(
            connection, place, self.kind, self.by, self.login, report=self.report,
            about=incident_id(site_id, n), stays_open=stays_open, **_facts(self.by_rule),
        )  # fmt: skip
        state = reports.LOGGED if self.kind is ReportLogged else reports.JOINED
        if stays_open:
            led = Led(self.report, len(before) + 1, state, site_id, n)
            reports.add_incident(connection, led)
        else:
            how = Settlement(state, place.now, self.by, site_id, n)
            reports.settle(connection, self.report, how)

    def _check(
        self, connection: Connection, before: Sequence[Led], site_id: int, n: int, site: str
    ) -> None:
        """Refuse to count a finding twice; what was voided does not count (R1)."""
        is_log = self.kind is ReportLogged and not self.again
        led = [(each.site_id, each.incident) for each in before]
        if is_log and self.evidence is not None:
            # It stands with the report's bytes as evidence, whatever became of the report since; a
            # join that somebody took back was about another violation.
            digest, _, _ = self.evidence
            earlier = reopenings.of_reports(connection, [self.report])
            joined = {
                (each.site_id, each.incident) for each in earlier if each.state == reports.JOINED
            }
            having = reports.incidents_with(connection, site_id, digest)
            led += [key for key in ((site_id, m) for m in having if m != n) if key not in joined]
        here = [key for key in led if key[0] == site_id and (is_log or key[1] == n)]
        states = letters.states_of(connection, here)
        for key in here:
            if states[key] != "voided":
                raise ReportLedThereError(
                    report=report_id(self.report), incident=incident_id(*key), site=site
                )


def dismiss(  # noqa: PLR0913 - by name, each a fact of the record
    connection: Connection, report: int, reason: str, *, not_ours: bool, by: str,
    login: str | None, clock: Clock, by_rule: ByRule | None = None, tell_reporter: bool = False,
) -> None:  # fmt: skip
    """Dismiss the report, with the reason as text; `tell_reporter`: the reporter is sent it, too.

    One that has led to incidents has ended by them; only the rest of it is dismissed.

    Raises:
        ReportLedSomewhereError: see `led_before`.
        RuleStoppedError and the errors of `waiting`.
    """
    place = _place(connection, report, clock, by_rule)
    before = led_before(connection, report, tell_reporter=tell_reporter)
    event = own_stream.record(
        connection, place, ReportDismissed, by, login, reason=reason, report=report,
        not_ours=not_ours, tell_reporter=tell_reporter, **_facts(by_rule),
    )  # fmt: skip
    state = reports.NOT_OURS if not_ours else reports.DISMISSED
    how = Settlement.of_dismissal(state, place.now, by, event.text, before)
    reports.settle(connection, report, how)


def led_before(connection: Connection, report: int, *, tell_reporter: bool) -> list[Led]:
    """The incidents to which a report has led, before the rest of it is dismissed.

    Raises:
        ReportLedSomewhereError: if there are any, and the reporter is to be told why not.
    """
    before = reports.incidents_before(connection, [report]).get(report, [])
    if before and tell_reporter:
        led = (incident_id(each.site_id, each.incident) for each in before)
        raise ReportLedSomewhereError(report=report_id(report), incident=", ".join(led))
    return before


def leave(connection: Connection, report: int, asks: str, of: ByRule, clock: Clock) -> None:
    """Note that the rule leaves the report to the desk, and why; raises the errors of `waiting`.

    Nothing is noted if the rule has left it before.
    """
    place = own_stream.place(connection, clock)
    if waiting(connection, report).asks is None:
        own_stream.record(
            connection, place, ReportAsked, of.rule.signature, None, report=report, asks=asks,
            **of.facts,
        )  # fmt: skip
        reports.leave(connection, report, asks)


def _facts(by_rule: ByRule | None) -> dict[str, str]:
    return {} if by_rule is None else by_rule.facts


def _place(
    connection: Connection, report: int, clock: Clock, by_rule: ByRule | None = None
) -> own_stream.Place:
    place = own_stream.place(connection, clock)
    found = waiting(connection, report)
    if by_rule is not None:
        asks = found.asks or stops(connection, by_rule, place.now)
        if reports.incidents_before(connection, [report]):
            # A person has taken it in hand.
            asks = asks or "several_sites"
        if asks is not None:
            raise RuleStoppedError(rule=by_rule.rule.name, report=report_id(report), asks=asks)
    return place


def stops(connection: Connection, by_rule: ByRule, now: datetime) -> str | None:
    """Why the rule must not act at `now` (UTC), as a code; None if it may."""
    rule = by_rule.rule
    if rule_owners.problem(connection, rule.owner) is not None:
        return "owner"
    logged = reports.logged_by(connection, rule.signature, rule.name, now - BRAKE_SPAN)
    return reports.BRAKE if logged >= by_rule.logs_per_hour else None


def _incident(answer: Answer) -> tuple[int, int]:
    found = read_incident_id(answer.incident_document["id"])
    assert found is not None, "the desk's own id"
    return found
