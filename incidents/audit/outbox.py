"""The outbox as the record has it: which orders of a site must have been written, and were.

The record does not say which events shared a transaction, and inside one a suspension and the
reopening that takes it back order nothing. So both may be missing, if they are of one moment.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from incidents.audit.finding import Finding, compare, name_of
from incidents.audit.rows import Row, writers, written
from incidents.desk.batch import order_document
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.events import Event
from incidents.store.tables import orders

_KEY = 3
_KIND, _CREATED_AT = 3, 5
_FIRST = 1


class Outbox:
    """The orders that a site's entries give rise to, as rows of the table."""

    def __init__(self) -> None:
        self._expected: list[Row] = []

    def take(self, case: Case, event: Event) -> None:
        """Add what follows from the event that `case` has just had applied."""
        for order in machine_orders.orders((event,)):
            self._expected.append(
                (
                    case.site_id, case.seq, _FIRST, order.kind, order_document(case, order),
                    event.recorded_at,
                )
            )  # fmt: skip

    def compare(self, site: str, found: Sequence[Row], dialect: str) -> Iterator[Finding]:
        """What differs from the rows in the table, those that may have cancelled out aside."""
        rows = written(iter(self._expected), writers(orders, dialect))
        if rows == found:
            return
        there = {row[:_KEY] for row in found}
        missing = _not_cancelled([row for row in rows if row[:_KEY] not in there])
        for row in missing:
            yield Finding(
                site=site, table=orders.name, row=name_of(row[:_KEY]), problem="deleted",
                expected=row[_KIND],
            )  # fmt: skip
        yield from compare(site, orders, [r for r in rows if r[:_KEY] in there], found, dialect)


def _not_cancelled(missing: Sequence[Row]) -> list[Row]:
    left: list[Row] = []
    suspended: dict[datetime, Row] = {}
    for row in missing:
        if row[_KIND] == "suspend":
            suspended[row[_CREATED_AT]] = row
        elif row[_KIND] == "reopen" and row[_CREATED_AT] in suspended:
            left.remove(suspended.pop(row[_CREATED_AT]))
            continue
        left.append(row)
    return left
