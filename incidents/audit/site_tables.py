"""The tables of a site according to the record: the rows of its case, orders and deliveries.

The record does not say which events shared a transaction. Within one transaction, a suspension and
the reopening that reverses it cause no orders. Therefore the orders of both may be missing if they
have the same time, and so may the orders of repetitions of the suspension between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from operator import attrgetter
from typing import Any

from sqlalchemy import Table

from incidents.audit.rows import Finding, Row, compare, name_of, names, time_writer
from incidents.contract.case_documents import order_document
from incidents.machine import orders as machine_orders
from incidents.machine.case import Case
from incidents.machine.events import Event
from incidents.machine.incident import Incident
from incidents.machine.work import items
from incidents.store.cases import incident_parts, site_row
from incidents.store.cases.work import sort_due
from incidents.store.schema import desk_tables, tables
from incidents.store.schema.log_tables import deliveries, orders
from incidents.store.schema.types import canonical


def _own(table: Table, keys: int) -> Callable[[Any], Row]:
    """Return a function that reads an object's fields for the columns after the first `keys`."""
    return attrgetter(*names(table)[keys:])


def _of_site(rows: Callable[[Case], Iterable[Row]]) -> Callable[[Case], Iterator[Row]]:
    """Put the site's id before each row."""
    return lambda case: ((case.site_id, *row) for row in rows(case))


def _of_incidents(rows: Callable[[Incident], Iterable[Row]]) -> Callable[[Case], Iterator[Row]]:
    """Put the site's id and the incident's number before each row of each incident."""
    return lambda case: (
        (case.site_id, incident.n, *row)
        for incident in case.incidents.values()
        for row in rows(incident)
    )


def _placed(rows: Iterable[Row]) -> Iterator[Row]:
    return ((place, *row) for place, row in enumerate(rows))


def _sites(case: Case) -> Iterator[Row]:
    row = site_row.to_row(case)
    yield (case.site, *(row[name] for name in _SITE_COLUMNS))


def _tasks(case: Case) -> Iterator[Row]:
    for task in case.tasks.values():
        *own, about = _task(task)
        yield (*own, list(about) or None)


def _claims(case: Case) -> Iterator[Row]:
    for item, claim in sorted(case.claims.items()):
        yield item, claim.by, claim.at


def _terms(case: Case) -> Iterator[Row]:
    for name, term in sorted(case.terms.items()):
        yield name, term.due_on, term.reminded_on, term.remind_on


def _work(case: Case) -> Iterator[Row]:
    for name, item in sorted(items(case).items()):
        yield name, item.kind, item.incident, item.due, sort_due(item), item.recorded_at


_SITE_COLUMNS = names(tables.sites)[2:]
_incident = _own(tables.incidents, 1)
_contact = _own(tables.contacts, 2)
_file = _own(tables.evidence, 3)
_note = _own(tables.notes, 3)
_suspension = _own(tables.suspensions, 1)
_task = _own(tables.tasks, 1)

OF_CASE: tuple[tuple[Table, Callable[[Case], Iterator[Row]]], ...] = (
    (tables.sites, _of_site(_sites)),
    (tables.incidents, _of_site(lambda case: map(_incident, case.incidents.values()))),
    (tables.incident_urls, _of_incidents(incident_parts.url_rows)),
    (tables.contacts, _of_incidents(lambda incident: map(_contact, incident.contacts))),
    (tables.evidence, _of_incidents(lambda incident: _placed(map(_file, incident.evidence)))),
    (tables.notes, _of_incidents(lambda incident: _placed(map(_note, incident.notes)))),
    (tables.suspensions, _of_site(lambda case: map(_suspension, case.suspensions.values()))),
    (tables.tasks, _of_site(_tasks)),
    (tables.claims, _of_site(_claims)),
    (desk_tables.filing_details, _of_site(lambda case: sorted(case.details.items()))),
    (desk_tables.filing_terms, _of_site(_terms)),
    (tables.work, _of_site(_work)),
)
"""The tables that hold rows of a case, each with a function that makes the rows from the case. The
site's id comes first in a row."""


_KEY = 3
_SEQ, _KIND, _CREATED_AT = 1, 3, 5
_FIRST = 1


class Outbox:
    """A site's orders according to its entries, compared with the rows of the table.

    `found`: the rows of the table in the order of their keys, in the driver's format for `dialect`.
    `cancelled`: the numbers of orders that may have cancelled out, complete after `findings`.
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
        """Add the orders that follow from the event just applied to `case`."""
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
        """Find the differences from the table, except for orders that may have cancelled out."""
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
    """The missing orders that cancel out: a suspension, its repetitions, and its reopening.

    A reopening cancels a suspension of the same time. `again`: the numbers of repetitions.
    """
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
# The number of attempts and the time of the next belong to the dispatcher, not to the record.
_OWN = 6


def delivery_findings(
    site: str, case: Case | None, cancelled: AbstractSet[int], found: Iterator[Row], dialect: str
) -> Iterator[Finding]:
    """Find the differences in a site's waiting orders and dead letters.

    A site without an entry has no `case`, and nothing waits for it. `cancelled`: the numbers of
    orders that may have cancelled out inside a transaction, and so have no waiting order.
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
