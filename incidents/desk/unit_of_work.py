"""The unit of work: a batch's sites and filings as read, with the changes to write.

The unit of work runs under the locks of the batch, so two people who change one filing at once do
not overwrite each other's changes. A detail that is already filed with the same text is not a
change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.contract.case_documents import order_document
from incidents.desk.envelope import Envelope
from incidents.desk.locks import clamp_times
from incidents.log import logger
from incidents.machine import filing
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.commands import ChangeFiling, Command, RaiseSuspicion
from incidents.machine.events import Event, OrderEvent
from incidents.machine.policy import Policy
from incidents.record.entry import encode
from incidents.record.sealing import Sealed as SealedWords
from incidents.store import deliveries
from incidents.store.cases import cases, site_row, sites, slices
from incidents.store.entries import (
    Entry,
    Outgoing,
    Sealed,
    add_entries,
    add_orders,
    add_sealed,
)
from incidents.store.entries import values as sealed_values
from incidents.store.schema.types import canonical

if TYPE_CHECKING:
    from incidents.filing.finding import Finding

_log = logger("desk")

_UNNOTICED = timedelta(seconds=1)
"""A step back that two hosts in good order may differ by."""


@dataclass(slots=True)
class SiteWork:
    """A site in a transaction: its row and case as read, its present case, and its new events."""

    row: site_row.Row
    before: Case
    case: Case
    events: list[Event] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)

    def entries(self) -> list[Entry]:
        """The entries of the events, in the format in which they are stored and exported."""
        id_, name, first = self.case.site_id, self.case.site, self.before.seq + 1
        return [
            Entry.of(id_, seq, event.recorded_at, encode(event, name, id_, seq, login))
            for seq, (event, login) in enumerate(
                zip(self.events, self.logins, strict=True), start=first
            )
        ]

    def orders(self) -> list[tuple[Outgoing, tuple[str, ...]]]:
        """The orders that follow from the events, with their lanes."""
        found: list[tuple[Outgoing, tuple[str, ...]]] = []
        for order in machine_orders.orders(self.events):
            seq = self.before.seq + 1 + order.event
            at = self.events[order.event].recorded_at
            data = order_document(self.case, order)
            outgoing = Outgoing(self.case.site_id, seq, 1, order.kind, data, at)
            found.append((outgoing, order.lanes))
        return found


class UnitOfWork:
    """The sites of a transaction's commands, by their locked `rows`.

    `now`: the time of the desk. `sender_now`: the time of the machine that sent the commands. Both
    are in UTC.
    """

    def __init__(
        self,
        connection: Connection,
        envelopes: Sequence[Envelope],
        rows: Mapping[int, site_row.Row],
        policy: Policy,
        now: datetime,
        *,
        sender_now: datetime,
    ) -> None:
        self._connection = connection
        self._now, self._sender_now = now, sender_now
        self._rows = rows
        self._ids = {row["name"]: id_ for id_, row in rows.items()}
        self._sealed: list[Sealed] = []
        self._sites = self._read(envelopes, policy)
        self.filings = FilingWork(connection, (site.before for site in self._sites.values()))

    @property
    def sites(self) -> Iterable[SiteWork]:
        """All sites, in the order of their rows."""
        return self._sites.values()

    def site_id(self, envelope: Envelope) -> int | None:
        """The ID of the site that the command names; None if no such site is locked."""
        return envelope.site if isinstance(envelope.site, int) else self._ids.get(envelope.site)

    def site(self, envelope: Envelope) -> SiteWork | None:
        """The site that the command names; None if there is none."""
        return self._sites.get(self.site_id(envelope) or 0)

    def name(self, envelope: Envelope) -> str:
        """The name of the site, or the given text if there is no such site."""
        site = self.site(envelope)
        return str(envelope.site) if site is None else site.case.site

    def with_clamped_times(self, envelope: Envelope) -> Envelope:
        """The envelope, with no time later than the present time of the site.

        This matters if the clock of the sending machine is ahead.
        """
        if self._sender_now <= self._now:
            return envelope
        row = self._rows.get(self.site_id(envelope) or 0)
        last = None if row is None else row["last_entry_at"]
        now = self._now if last is None else max(self._now, last)
        command = clamp_times(envelope.command, now, self._sender_now)
        return envelope if command is envelope.command else replace(envelope, command=command)

    def seal(self, site: SiteWork, words: Iterable[SealedWords], at: datetime) -> None:
        """Seal the text that people wrote in an action at `at` (UTC); `write` stores it."""
        self._sealed += [Sealed(*own, site.case.site_id, at) for own in words]

    def write(self) -> None:
        """Write the changes to the sites."""
        connection, changed = self._connection, self._sites
        sites.save(connection, [(site.row, site.case) for site in changed.values()])
        site_row.save_changes(
            connection,
            {id_: site.before for id_, site in changed.items()},
            {id_: site.case for id_, site in changed.items()},
        )
        add_entries(connection, [entry for site in changed.values() for entry in site.entries()])
        ordered = [order for site in changed.values() for order in site.orders()]
        add_orders(connection, [order for order, _ in ordered])
        deliveries.add(connection, ordered, self._now)
        deliveries.settle(
            connection,
            [
                (id_, event)
                for id_, site in changed.items()
                for event in site.events
                if isinstance(event, OrderEvent)
            ],
            self._now,
        )
        add_sealed(connection, self._sealed)
        unused = [id_ for id_, site in changed.items() if site.case.created_at is None]
        if unused:
            sites.remove(connection, unused)

    def _read(self, envelopes: Sequence[Envelope], policy: Policy) -> dict[int, SiteWork]:
        commands: dict[int, list[Command]] = {id_: [] for id_ in self._rows}
        for envelope in envelopes:
            id_ = self.site_id(envelope)
            if id_ in commands:
                commands[id_].append(self.with_clamped_times(envelope).command)
        needs = {
            id_: slices.need(own, self._now_on(self._rows[id_])) for id_, own in commands.items()
        }
        read = cases.load(self._connection, self._rows, needs, policy) if needs else {}
        return {
            id_: SiteWork(row=self._rows[id_], before=case, case=case) for id_, case in read.items()
        }

    def _now_on(self, row: site_row.Row) -> datetime:
        """The time on the site: entries must be in order, so it is never before the last entry."""
        last: datetime | None = row["last_entry_at"]
        if last is None or last <= self._now:
            return self._now
        if last - self._now > _UNNOTICED:
            _log.warning("clock_stepped_back", site=row["name"], now=self._now, previous=last)
        return last


class FilingWork:
    """The filings of the sites in a batch, from the `cases` that the batch has read."""

    def __init__(self, connection: Connection, cases: Iterable[Case]) -> None:
        self._connection = connection
        self._cases = tuple(cases)
        self._words: dict[str, str] | None = None

    def real_changes(self, command: ChangeFiling, case: Case) -> ChangeFiling:
        """The command, reduced to the details that really change.

        Changed parts of servers and documents become whole details.
        """
        filed = self._plain(case.details)
        details = {key: text.strip() for key, text in command.details}
        details |= _merged_parts({**filed, **details}, command.parts)
        # An erased detail still exists, and can be removed.
        was = {**dict.fromkeys(case.details), **filed}
        changed = {key: text for key, text in details.items() if was.get(key, "") != text}
        return replace(command, details=tuple(changed.items()), parts=())

    def keep(self, words: Sequence[SealedWords]) -> None:
        """Add sealed text from after the batch was read."""
        known = self._known()
        known.update((ref, value) for ref, _, value in words)

    def suspicions(
        self, command: ChangeFiling, before: Mapping[str, str], case: Case, now: datetime
    ) -> list[RaiseSuspicion]:
        """The details that the change makes look false to an automatic check.

        A person decides whether a detail is false (R4). `before`: the details before the change.
        `now`: in UTC.

        Raises:
            NoFilingLibraryError: if a library is not installed.
        """
        # Imported here with its libraries, which only a change of a filing needs.
        from incidents.filing import checks

        changed = {key for key, _ in command.details}
        if not changed:
            return []
        # The latest day on earth, so a birthday today is not false.
        today = (now + timedelta(hours=14)).date()
        found = _codes(checks.falsehoods(self._plain(case.details), today=today))
        known = _codes(checks.falsehoods(self._plain(before), today=today)) if found else set()
        # A change of one detail may make another one false.
        new = {(field, code) for field, code in found if field in changed} | (found - known)
        return [RaiseSuspicion(field=field, finding=code) for field, code in sorted(new)]

    def _plain(self, details: Mapping[str, str]) -> dict[str, str]:
        words = self._known()
        plain = ((key, _plain_text(key, text, words)) for key, text in details.items())
        return {key: text for key, text in plain if text is not None}

    def _known(self) -> dict[str, str]:
        if self._words is None:
            refs = [
                text
                for case in self._cases
                for key, text in case.details.items()
                if filing.is_sealed(key)
            ]
            self._words = sealed_values(self._connection, refs)
        return self._words


def _codes(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(each.field, each.code) for each in findings}


def _merged_parts(filed: filing.Details, parts: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The servers and documents, with these parts changed.

    A server or document without any part left is removed.
    """
    items: dict[str, dict[str, str]] = {}
    for key, name, text in parts:
        if key not in items:
            items[key] = dict(json.loads(filed[key])) if filed.get(key) else {}
        items[key][name] = text.strip()
    kept = {key: {name: text for name, text in item.items() if text} for key, item in items.items()}
    return {key: canonical(item) if item else "" for key, item in kept.items()}


def _plain_text(key: str, text: str, words: Mapping[str, str]) -> str | None:
    """The text of a filed detail; None if it has been erased."""
    return words.get(text) if filing.is_sealed(key) else text
