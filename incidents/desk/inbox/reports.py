"""The desk's own actions on reports: receive them, and settle each once.

Every action locks the desk's row, after the rows of sites: so a report is received once and settled
once, however many people and programs act on it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection

from incidents.accounts.identity import may
from incidents.clock import rfc3339
from incidents.desk import own_stream
from incidents.desk.envelope import Answer, Envelope
from incidents.errors import NoSuchReportError, RefusedError
from incidents.intake import rules as intake
from incidents.intake import rules_file
from incidents.intake.rules import ReportFacts, Rule
from incidents.machine.commands import Attach
from incidents.record.report_events import (
    ReportAsked,
    ReportDismissed,
    ReportJoined,
    ReportLogged,
    ReportReceived,
)
from incidents.store.accounts import accounts
from incidents.store.inbox import intake_rules, reporters, reports
from incidents.store.inbox.intake_rules import InForce
from incidents.store.inbox.reports import Report, Settlement
from incidents.values import report_token
from incidents.values.ids import incident_id, read_incident_id, report_id

Clock = Callable[[], datetime]

BRAKE_SPAN = timedelta(hours=1)
"""The span within which a rule may log so many reports as its rules allow."""


class ReportSettledError(RefusedError):
    """report {report} is {state} already, by {by} at {at}"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A report that came in by `channel`: its bytes by their digest, and what was read out of it.

    `kept`: the digest of its first bytes, if it is too long to keep all. `reading`: as JSON; it is
    sealed. `unread`: why it cannot be read. `message_id`, `reporter`, `category`, `seen_at` (UTC)
    and `hosts`: what the reading says, by which reports are found. `subject`: in it a token names
    the report that this one answers.
    """

    digest: str
    size: int
    channel: str
    format: str
    reading: dict[str, Any]
    kept: str | None = None
    unread: str | None = None
    message_id: str | None = None
    reporter: str | None = None
    category: str | None = None
    seen_at: datetime | None = None
    hosts: Sequence[str] = ()
    subject: str | None = None

    def facts(self, *, repeats_id: bool) -> ReportFacts:
        """What intake rules know of the report; `repeats_id` as there."""
        return ReportFacts(
            channel=self.channel, format=self.format, reporter=self.reporter,
            category=self.category, addresses=tuple(self.reading.get("addresses", ())),
            repeats_id=repeats_id,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Received:
    """The number of a report, and whether it is new: otherwise the same bytes came in before."""

    id: int
    is_new: bool


def receive(
    connection: Connection, incoming: Sequence[Incoming], by: str, login: str | None, clock: Clock
) -> list[Received]:
    """Keep the reports, in one entry each. Reports with the same bytes are the same report.

    The rule that a report matches, of the intake rules now in force, is noted with it: later rules
    are for later reports.
    """
    place = own_stream.place(connection, clock)
    known = reports.by_digest(connection, (each.digest for each in incoming))
    ids = {each.message_id: _digest(each.message_id) for each in incoming if each.message_id}
    first = reports.by_message_id(connection, ids.values())
    next_id = reports.last_id(connection) + 1
    in_force = intake_rules.last(connection)
    rules = None if in_force is None else rules_file.read(in_force.toml)
    senders = _Senders(connection, {each.reporter for each in incoming if each.reporter})
    answers: list[Received] = []
    new: list[tuple[Report, Sequence[str]]] = []
    recorded: list[own_stream.Recorded] = []
    for each in incoming:
        before = known.get(each.digest)
        if before is not None:
            answers.append(Received(before, False))
            continue
        id_ = known[each.digest] = next_id + len(new)
        message = None if each.message_id is None else ids[each.message_id]
        same = None if message is None else first.get(message)
        if message is not None:
            first.setdefault(message, id_)
        key, standing = senders.of(each.reporter)
        answered = senders.answered(each.subject, next_id - 1)
        matched = None
        # No rule acts on what a blocked reporter sends, nor on an answer to the desk's mail.
        is_for_rules = standing != reporters.BLOCKED and answered is None
        if rules is not None and each.unread is None and is_for_rules:
            matched = intake.match(rules, each.facts(repeats_id=same is not None))
        own_rule = _Matched.of(matched, in_force)
        text = json.dumps(each.reading, ensure_ascii=False, separators=(",", ":"))
        own = own_stream.Recorded(
            ReportReceived, text,
            {
                "report": id_, "digest": each.digest, "size": each.size, "channel": each.channel,
                "format": each.format, "kept": each.kept, "unread": each.unread,
                "same_id_as": same, "answers": answered, "by_rule": own_rule.rule,
                "rules": own_rule.rules, "asks": own_rule.asks,
            },
        )  # fmt: skip
        recorded.append(own)
        row = Report(
            id=id_, digest=each.digest, kept=each.kept, size=each.size, received_at=place.now,
            channel=each.channel, format=each.format, unread=each.unread, reading=own.text[0],
            same_id_as=same, state=reports.UNREADABLE if each.unread else reports.NEW,
            reporter=key, category=each.category, seen_at=each.seen_at, message_id=message,
            rank=reports.rank(each.category, standing), answers=answered, **own_rule._asdict(),
        )  # fmt: skip
        new.append((row, each.hosts))
        answers.append(Received(id_, True))
    own_stream.record_all(connection, place, recorded, by, login)
    reports.add(connection, new)
    return answers


class _Matched(NamedTuple):
    """The rule that a report matches, the digest of the rules, and why the rule asks the desk."""

    rule: str | None = None
    rules: str | None = None
    asks: str | None = None

    @classmethod
    def of(cls, found: intake.Matched | None, in_force: InForce | None) -> _Matched:
        if found is None or in_force is None:
            return cls()
        return cls(found.rule.name, in_force.digest, found.asks)


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


class _Senders:
    """The reporters of some reports: what stands for each, and the standing of each."""

    def __init__(self, connection: Connection, named: set[str]) -> None:
        self._keys = {reporter: reports.reporter_key(connection, reporter) for reporter in named}
        self._standings = reporters.standings(connection, self._keys.values())
        self._identity = reports.identity(connection)

    def of(self, reporter: str | None) -> tuple[str | None, str]:
        """The key and the standing of the reporter."""
        key = self._keys.get(reporter or "")
        return key, self._standings.get(key or "", reporters.NONE)

    def answered(self, subject: str | None, last: int) -> int | None:
        """The report, up to number `last`, whose token is in the subject."""
        found = None if subject is None else report_token.read(self._identity, subject)
        return None if found is None or found > last else found


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
    a person.
    """

    report: int
    kind: type[ReportLogged | ReportJoined]
    by: str
    login: str | None
    clock: Clock
    evidence: tuple[str, int, str] | None = None
    by_rule: ByRule | None = None

    def commands(self, answers: Sequence[Answer]) -> list[Envelope]:
        """The command that attaches the report's bytes to the incident of the last answer."""
        if self.evidence is None:
            return []
        digest, size, name = self.evidence
        site_id, n = _incident(answers[-1])
        attach = Attach(by=self.by, incident=n, digest=digest, size=size, name=name)
        return [Envelope(site=site_id, command=attach, login=self.login)]

    def write(self, connection: Connection, answers: Sequence[Answer]) -> None:
        """Note how the report ended; raises the errors of `waiting`, or RuleStoppedError."""
        place = _place(connection, self.report, self.clock, self.by_rule)
        site_id, n = _incident(answers[-1])
        own_stream.record(
            connection, place, self.kind, self.by, self.login, report=self.report,
            about=incident_id(site_id, n), **_facts(self.by_rule),
        )  # fmt: skip
        state = reports.LOGGED if self.kind is ReportLogged else reports.JOINED
        reports.settle(connection, self.report, Settlement(state, place.now, self.by, site_id, n))


def dismiss(
    connection: Connection, report: int, reason: str, *, not_ours: bool, by: str,
    login: str | None, clock: Clock, by_rule: ByRule | None = None,
) -> None:  # fmt: skip
    """Dismiss the report, with the reason as text.

    Raises the errors of `waiting`, or RuleStoppedError.
    """
    place = _place(connection, report, clock, by_rule)
    event = own_stream.record(
        connection, place, ReportDismissed, by, login, reason=reason, report=report,
        not_ours=not_ours, **_facts(by_rule),
    )  # fmt: skip
    state = reports.NOT_OURS if not_ours else reports.DISMISSED
    reports.settle(connection, report, Settlement(state, place.now, by, reason=event.text))


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
        asks = found.asks or _stops(connection, by_rule, place.now)
        if asks is not None:
            raise RuleStoppedError(rule=by_rule.rule.name, report=report_id(report), asks=asks)
    return place


def _stops(connection: Connection, by_rule: ByRule, now: datetime) -> str | None:
    """Why the rule must not act at `now` (UTC), as a code; None if it may."""
    rule = by_rule.rule
    if owner_problem(connection, rule.owner) is not None:
        return "owner"
    logged = reports.logged_by(connection, rule.signature, rule.name, now - BRAKE_SPAN)
    return reports.BRAKE if logged >= by_rule.logs_per_hour else None


def owner_problem(connection: Connection, owner: str) -> str | None:
    """Why the person cannot own a rule, as a code; None if they can.

    Where there are accounts, the owner has one that is enabled, and may settle reports.
    """
    if not accounts.any_exist(connection):
        return None
    found = accounts.account(connection, owner)
    if found is None:
        return "no_account"
    if found.disabled_at is not None:
        return "disabled"
    return None if may(found.role, "settle_report") else "role"


def _incident(answer: Answer) -> tuple[int, int]:
    found = read_incident_id(answer.incident_document["id"])
    assert found is not None, "the desk's own id"
    return found


def _digest(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()
