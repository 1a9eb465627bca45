"""The unit of work: a batch's sites and filings, and what is to be written of each.

take for false in what has changed.

Under the locks of the batch: two people who change one filing at once lose nothing of each other,
and what is filed already is no change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from incidents.documents import order_document
from incidents.machine import filing
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.commands import ChangeFiling, RaiseSuspicion
from incidents.machine.events import Event
from incidents.record.entry import encode
from incidents.record.sealing import Sealed
from incidents.store import entries
from incidents.store.cases import site_row
from incidents.store.schema.types import canonical

if TYPE_CHECKING:
    from incidents.filing.checks.finding import Finding


@dataclass(slots=True)
class SiteInHand:
    """Its row and case as read, its case by now, and what has happened in this transaction."""

    row: site_row.Row
    before: Case
    case: Case
    events: list[Event] = field(default_factory=list)
    logins: list[str | None] = field(default_factory=list)

    def entries(self) -> list[entries.Entry]:
        """The entries of what has happened, as they are kept and exported."""
        id_, name, first = self.case.site_id, self.case.site, self.before.seq + 1
        return [
            entries.Entry.of(id_, seq, event.recorded_at, encode(event, name, id_, seq, login))
            for seq, (event, login) in enumerate(
                zip(self.events, self.logins, strict=True), start=first
            )
        ]

    def orders(self) -> list[tuple[entries.Outgoing, tuple[str, ...]]]:
        """What the world must be told of it, and in which lanes."""
        found: list[tuple[entries.Outgoing, tuple[str, ...]]] = []
        for order in machine_orders.orders(self.events):
            seq = self.before.seq + 1 + order.event
            at = self.events[order.event].recorded_at
            data = order_document(self.case, order)
            outgoing = entries.Outgoing(self.case.site_id, seq, 1, order.kind, data, at)
            found.append((outgoing, order.lanes))
        return found


class FilingsInHand:
    """The filings of the sites whose `cases` a batch has read."""

    def __init__(self, connection: Connection, cases: Iterable[Case]) -> None:
        self._connection = connection
        self._cases = tuple(cases)
        self._words: dict[str, str] | None = None

    def news(self, command: ChangeFiling, case: Case) -> ChangeFiling:
        """The command with what it changes, in whole details, and nothing else."""
        filed = self._plain(case.details)
        details = {key: text.strip() for key, text in command.details}
        details |= _whole({**filed, **details}, command.parts)
        # What has been erased is there still, and can be taken away.
        was = {**dict.fromkeys(case.details), **filed}
        changed = {key: text for key, text in details.items() if was.get(key, "") != text}
        return replace(command, details=tuple(changed.items()), parts=())

    def keep(self, words: Sequence[Sealed]) -> None:
        """What has been sealed since the batch was read."""
        known = self._known()
        known.update((ref, value) for ref, _, value in words)

    def suspicions(
        self, command: ChangeFiling, before: Mapping[str, str], case: Case, now: datetime
    ) -> list[RaiseSuspicion]:
        """What the checks take for false by what the command has changed (R4: somebody looks);
        `before` are the details as they were, at `now` (UTC).

        Raises:
            NoFilingLibraryError: naming what to install.
        """
        # With what it stands on, for who changes a filing alone.
        from incidents.filing.checks import checks

        changed = {key for key, _ in command.details}
        if not changed:
            return []
        # The latest day on earth: nobody who is born today is taken for false.
        today = (now + timedelta(hours=14)).date()
        found = _told(checks.falsehoods(self._plain(case.details), today=today))
        known = _told(checks.falsehoods(self._plain(before), today=today)) if found else set()
        # What one detail says of another may become false by a change of the one.
        new = {(field, code) for field, code in found if field in changed} | (found - known)
        return [RaiseSuspicion(field=field, finding=code) for field, code in sorted(new)]

    def _plain(self, details: Mapping[str, str]) -> dict[str, str]:
        words = self._known()
        plain = ((key, _word(key, text, words)) for key, text in details.items())
        return {key: text for key, text in plain if text is not None}

    def _known(self) -> dict[str, str]:
        if self._words is None:
            refs = [
                text
                for case in self._cases
                for key, text in case.details.items()
                if filing.is_sealed(key)
            ]
            self._words = entries.values(self._connection, refs) if refs else {}
        return self._words


def _told(findings: Iterable[Finding]) -> set[tuple[str, str]]:
    return {(each.field, each.code) for each in findings}


def _whole(filed: filing.Details, parts: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """The servers and documents that have those parts then; one without any is taken away."""
    items: dict[str, dict[str, str]] = {}
    for key, name, text in parts:
        if key not in items:
            items[key] = dict(json.loads(filed[key])) if filed.get(key) else {}
        items[key][name] = text.strip()
    kept = {key: {name: text for name, text in item.items() if text} for key, item in items.items()}
    return {key: canonical(item) if item else "" for key, item in kept.items()}


def _word(key: str, text: str, words: Mapping[str, str]) -> str | None:
    """What was filed; None: it has been erased."""
    return words.get(text) if filing.is_sealed(key) else text
