"""The desk's own action that keeps reports which came in, each once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from incidents.desk import own_stream
from incidents.desk.inbox.reports import Clock
from incidents.intake import rules as intake
from incidents.intake import rules_file
from incidents.intake.rules import ReportFacts
from incidents.record.report_events import ReportReceived
from incidents.store.inbox import intake_rules, reporters, reports
from incidents.store.inbox.intake_rules import InForce
from incidents.store.inbox.reports import Report
from incidents.values import report_token


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


def _digest(message_id: str) -> str:
    return hashlib.sha256(message_id.encode()).hexdigest()
