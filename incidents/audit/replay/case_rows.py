"""The rows of a case in each of its tables, as the record has them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

from sqlalchemy import Table

from incidents.audit.replay.rows import Row, names
from incidents.machine.case import Case
from incidents.machine.work import items
from incidents.store.cases import incident_parts, site_row
from incidents.store.cases.work import sort_due
from incidents.store.schema import tables


def _own(table: Table, keys: int) -> Callable[[Any], Row]:
    """The values of what has a field for each column of the table after the first `keys` ones."""
    return attrgetter(*names(table)[keys:])


def _sites(case: Case) -> Iterator[Row]:
    row = site_row.to_row(case)
    yield (case.site_id, case.site, *(row[name] for name in _SITE_COLUMNS))


def _incidents(case: Case) -> Iterator[Row]:
    for incident in case.incidents.values():
        yield (case.site_id, *_incident(incident))


def _urls(case: Case) -> Iterator[Row]:
    for incident in case.incidents.values():
        for row in incident_parts.url_rows(incident):
            yield (case.site_id, incident.n, *row)


def _contacts(case: Case) -> Iterator[Row]:
    for incident in case.incidents.values():
        for contact in incident.contacts:
            yield (case.site_id, incident.n, *_contact(contact))


def _evidence(case: Case) -> Iterator[Row]:
    for incident in case.incidents.values():
        for position, file in enumerate(incident.evidence):
            yield (case.site_id, incident.n, position, *_file(file))


def _notes(case: Case) -> Iterator[Row]:
    for incident in case.incidents.values():
        for position, note in enumerate(incident.notes):
            yield (case.site_id, incident.n, position, *_note(note))


def _suspensions(case: Case) -> Iterator[Row]:
    for suspension in case.suspensions.values():
        yield (case.site_id, *_suspension(suspension))


def _tasks(case: Case) -> Iterator[Row]:
    for task in case.tasks.values():
        *own, about = _task(task)
        yield (case.site_id, *own, list(about) or None)


def _claims(case: Case) -> Iterator[Row]:
    for item, claim in sorted(case.claims.items()):
        yield case.site_id, item, claim.by, claim.at


def _details(case: Case) -> Iterator[Row]:
    for key, text in sorted(case.details.items()):
        yield case.site_id, key, text


def _terms(case: Case) -> Iterator[Row]:
    for name, term in sorted(case.terms.items()):
        yield case.site_id, name, term.due_on, term.reminded_on, term.remind_on


def _work(case: Case) -> Iterator[Row]:
    for name, item in sorted(items(case).items()):
        due, sorted_by = item.due, sort_due(item)
        yield case.site_id, name, item.kind, item.incident, due, sorted_by, item.recorded_at


_SITE_COLUMNS = names(tables.sites)[2:]
_incident = _own(tables.incidents, 1)
_contact = _own(tables.contacts, 2)
_file = _own(tables.evidence, 3)
_note = _own(tables.notes, 3)
_suspension = _own(tables.suspensions, 1)
_task = _own(tables.tasks, 1)

OF_CASE: tuple[tuple[Table, Callable[[Case], Iterator[Row]]], ...] = (
    (tables.sites, _sites),
    (tables.incidents, _incidents),
    (tables.incident_urls, _urls),
    (tables.contacts, _contacts),
    (tables.evidence, _evidence),
    (tables.notes, _notes),
    (tables.suspensions, _suspensions),
    (tables.tasks, _tasks),
    (tables.claims, _claims),
    (tables.filing_details, _details),
    (tables.filing_terms, _terms),
    (tables.work, _work),
)
"""Each table that a case has rows in, and what they are; the first column is the site's id."""
