"""The desk's own stream of entries, compared with the tables that follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection

from incidents.audit import account_record
from incidents.audit.account_record import AccountRecord, misread
from incidents.audit.fold import NAME, UNREADABLE, describe
from incidents.audit.report_record import ReportRecord
from incidents.audit.rows import Finding, Row, Stream, compare, written
from incidents.machine import policy
from incidents.machine.events import Event
from incidents.machine.policy import DOCUMENTED
from incidents.record import account_events, own_events, report_events
from incidents.record.entry import DESK, Header, decode
from incidents.store.schema.access_tables import accounts, serve_keys, tokens
from incidents.store.schema.desk_tables import DESK_STREAM, desk, entries, policies
from incidents.store.schema.log_tables import log_keys
from incidents.store.schema.report_tables import (
    answers,
    intake_rules,
    report_incidents,
    report_reopenings,
    report_snapshots,
    reporters,
    reports,
)
from incidents.values.parsing import MisreadError


def _misplaced(header: Header) -> MisreadError:
    own = f"{header.site_id}-{header.site_seq}"
    return misread("flaw_says_it_is", "it says that it is {id}", id=own)


_SEQ, _BODY = 2, 4
_ONLY = 1


@dataclass(slots=True)
class OwnRecord:
    """The table rows that follow from the entries of the desk's own stream.

    `active`: the digest of the active policy. `key`: the log's signing key. `seq`: the number of
    the last entry.
    """

    active: str = DOCUMENTED.digest
    key: str | None = None
    seq: int = 0
    epoch: int = 0
    policies: dict[str, Row] = field(
        default_factory=lambda: {
            DOCUMENTED.digest: (DOCUMENTED.digest, DOCUMENTED.toml(), None, None, None)
        }
    )
    keys: dict[str, Row] = field(default_factory=dict)
    serve_keys: list[Row] = field(default_factory=list)
    accounts: AccountRecord = field(default_factory=AccountRecord)
    reports: ReportRecord = field(default_factory=ReportRecord)

    def take(self, header: Header, event: Event) -> None:
        """Process the next entry.

        Raises:
            MisreadError, PolicyError: with the reason why the entry cannot follow the entries
                before it.
        """
        if (header.site, header.site_id) != (DESK, DESK_STREAM):
            raise _misplaced(header)
        if header.site_seq != self.seq + 1:
            raise misread("flaw_entry_missing", "entry {seq} is missing", seq=self.seq + 1)
        match event:
            case own_events.PolicyActivated():
                self._activate(event)
            case own_events.LogKeyMade():
                self._make_key(event, header.site_seq)
            case (
                own_events.WordsErased()
                | own_events.SignInsErased()
                | own_events.CheckpointsThinned()
                | report_events.AddressBookImported()
            ):
                self._check_policy(event)
            case own_events.ServeKeyMade(key=key, recorded_at=at):
                self._check_policy(event)
                self.serve_keys.append((len(self.serve_keys) + 1, key, at))
            case own_events.HistoryResumed():
                self._resume(event)
            case account_events.AccountEvent():
                self._check_policy(event)
                self.accounts.take(event)
            case (
                report_events.ReportEvent()
                | report_events.IntakeRulesActivated()
                | report_events.ReporterMarked()
            ):
                self._check_policy(event)
                self.reports.take(event)
            case _:
                raise misread("flaw_no_act", "{kind} is no action of the desk", kind=event.kind)
        self.seq = header.site_seq

    def unauthorised(self, event: Event) -> str | None:
        """Return why, by the record, the program would not have allowed the action, or None.

        The result is also None if nobody can know: before servers have a key, anybody who can write
        to the database has any role.
        """
        return self.accounts.unauthorised(event) if self.serve_keys else None

    def _activate(self, event: own_events.PolicyActivated) -> None:
        if event.previous != self.active:
            raise self._other_policy(event.previous)
        if policy.read(event.toml).digest != event.policy:
            raise misread(
                "flaw_not_policy", "the policy in it is not {policy}", policy=event.policy
            )
        if event.seconded_by is not None and event.seconded_by == event.by:
            same = "{by} was the second person to their own action"
            raise misread("flaw_same_person", same, by=event.by)
        self.active = event.policy
        row = (event.policy, event.toml, event.recorded_at, event.by, event.text)
        self.policies.setdefault(event.policy, row)

    def _make_key(self, event: own_events.LogKeyMade, seq: int) -> None:
        self._check_policy(event)
        if event.previous != self.key:
            other = "the key that signs is {last}, but it says {said}"
            raise misread("flaw_other_key", other, last=self.key, said=event.previous)
        if event.key in self.keys:
            raise misread("flaw_key_before", "{key} has been the key before", key=event.key)
        self.key = event.key
        self.keys[event.key] = (event.key, seq, event.recorded_at, event.by)

    def _resume(self, event: own_events.HistoryResumed) -> None:
        self._check_policy(event)
        if event.epoch <= self.epoch:
            other = "the epoch is {epoch}, but it says {said}"
            raise misread("flaw_epoch", other, epoch=self.epoch, said=event.epoch)
        self.epoch = event.epoch

    def _check_policy(self, event: Event) -> None:
        if event.policy != self.active:
            raise self._other_policy(event.policy)

    def _other_policy(self, said: str) -> MisreadError:
        other = "the active policy is {active}, but it says {said}"
        return misread("flaw_other_policy_now", other, active=self.active, said=said)


def findings(connection: Connection, rows: Iterable[Row]) -> Iterator[Finding]:
    """The differences between the actions on record and the tables."""
    record = OwnRecord()
    for row in rows:
        try:
            header, event = decode(row[_BODY])
            if header.site_seq != row[_SEQ]:
                raise _misplaced(header)
            unauthorised = record.unauthorised(event)
            record.take(header, event)
        except UNREADABLE as error:
            yield _impossible(row, describe(error))
            return
        if unauthorised is not None:
            yield _impossible(row, unauthorised)
    yield from _compare(connection, record)
    yield from account_record.findings(connection, record.accounts)


def _impossible(row: Row, why: str) -> Finding:
    return Finding(
        site=NAME, table=entries.name, row=f"{DESK_STREAM}-{row[_SEQ]}",
        problem="impossible_entry", found=why,
    )  # fmt: skip


def _compare(connection: Connection, record: OwnRecord) -> Iterator[Finding]:
    """Compare the tables with their rows by the record, each in the order of its key."""
    dialect = connection.dialect.name
    for table, rows in (
        (policies, sorted(record.policies.values())),
        (log_keys, sorted(record.keys.values())),
        (accounts, sorted(record.accounts.accounts.values())),
        (tokens, sorted(record.accounts.tokens.values())),
        (serve_keys, record.serve_keys),
        (reports, record.reports.rows()),
        (intake_rules, [tuple(each) for each in record.reports.in_force]),
        (answers, record.reports.answer_rows()),
        (reporters, sorted(record.reports.reporters.values())),
        (report_incidents, record.reports.led_rows()),
        (report_snapshots, record.reports.snapshot_rows()),
        (report_reopenings, record.reports.reopening_rows()),
        (desk, [(_ONLY, record.active, record.seq, record.epoch)]),
    ):
        expected = written(rows, table, dialect)
        yield from compare(NAME, table, expected, Stream(connection, table).rest(), dialect)
