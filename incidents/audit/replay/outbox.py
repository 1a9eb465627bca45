"""The outbox as the record has it: which orders must be there, and which are not settled.

The record does not say which events shared a transaction, and inside one a suspension and the
reopening that takes it back order nothing. So both may be missing, if they are of one moment, with
what repeated the suspension in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from incidents.audit.replay.rows import Finding, Row, compare, name_of, time_writer
from incidents.documents import order_document
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.events import Event
from incidents.store.schema.tables import deliveries, orders
from incidents.store.schema.types import canonical

_KEY = 3
_SEQ, _KIND, _CREATED_AT = 1, 3, 5
_FIRST = 1


class Outbox:
    """A site's orders: those that its entries give rise to, against the rows of the table.

    `found` gives these rows, in the order of their keys, as the driver for `dialect` does;
    `cancelled` are the numbers of those that may have cancelled out, complete after `findings`.
    """

    def __init__(self, found: Iterator[Row], dialect: str) -> None:
        self._found = found
        self._dialect = dialect
        self._write_time = time_writer(dialect)
        self._next = next(found, None)
        self._unmet: list[Row] = []
        self._again: set[int] = set()
        self.cancelled: set[int] = set()

    def take(self, case: Case, event: Event) -> None:
        """Look for what follows from the event that `case` has just had applied."""
        for order in machine_orders.orders((event,)):
            data = canonical(order_document(case, order))
            at = self._write_time(event.recorded_at)
            row = (case.site_id, case.seq, _FIRST, order.kind, data, at)
            if order.again:
                self._again.add(case.seq)
            if row == self._next:
                self._next = next(self._found, None)
            else:
                self._unmet.append(row)

    def findings(self, site: str) -> Iterator[Finding]:
        """What differs from the rows in the table, those that may have cancelled out aside."""
        found = [] if self._next is None else [self._next, *self._found]
        there = {row[:_KEY] for row in found}
        missing = [row for row in self._unmet if row[:_KEY] not in there]
        self.cancelled = {row[_SEQ] for row in _cancelled(missing, self._again)}
        for row in missing:
            if row[_SEQ] in self.cancelled:
                continue
            yield Finding(
                site=site, table=orders.name, row=name_of(row[:_KEY]), problem="deleted",
                expected=row[_KIND],
            )  # fmt: skip
        due = (row for row in self._unmet if row[:_KEY] in there)
        yield from compare(site, orders, due, iter(found), self._dialect)


def _cancelled(missing: Sequence[Row], again: AbstractSet[int]) -> Iterator[Row]:
    """Each suspension with the reopening of the same moment, and with what repeated it, by number
    `again`."""
    suspended: dict[Any, list[Row]] = {}
    for row in missing:
        at = row[_CREATED_AT]
        if row[_KIND] == "suspend" and row[_SEQ] not in again:
            suspended[at] = [row]
        elif row[_KIND] == "suspend" and at in suspended:
            suspended[at].append(row)
        elif row[_KIND] == "reopen" and at in suspended:
            yield from suspended.pop(at)
            yield row


_WAITING_KEY = 4
_ONE = 1
# How often it was tried, and when it is tried again, is the business of whoever carries it out.
_OWN = 6


def findings(
    site: str, case: Case | None, cancelled: AbstractSet[int], found: Iterator[Row], dialect: str
) -> Iterator[Finding]:
    """What differs of what waits for a site, or is a dead letter. One without an entry has no
    `case`, and nothing waits for it.

    Inside one transaction a suspension and the reopening that takes it back order nothing, and so
    nothing waits of them: they are the numbers `cancelled` (see `outbox`).
    """
    own = list(found)
    by_key = {row[:_WAITING_KEY]: row for row in own}
    unsettled = [] if case is None else list(case.deliveries.values())
    right = []
    for each in sorted(unsettled, key=lambda each: (each.lane, each.order)):
        if case is not None and each.order not in cancelled:
            key = (case.site_id, each.lane, each.order, _ONE)
            right.append((*key, each.kind, each.dead, *by_key.get(key, ())[_OWN:]))
    yield from compare(site, deliveries, iter(right), iter(own), dialect)
