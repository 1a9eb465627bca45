"""The outbox as the record has it: which orders of a site must have been written, and were.

The record does not say which events shared a transaction, and inside one a suspension and the
reopening that takes it back order nothing. So both may be missing, if they are of one moment, with
what repeated the suspension in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from incidents.audit.finding import Finding, compare, name_of
from incidents.audit.rows import Row, time_writer
from incidents.documents import order_document
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.events import Event
from incidents.store.tables import orders
from incidents.store.types import canonical

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
