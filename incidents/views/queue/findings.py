"""The findings for a page of the queue: incidents, addresses and attempts, by one query each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    or_,
    select,
)

from incidents.machine.state import can_move_incident
from incidents.store.schema.tables import contacts, incident_urls, incidents, tasks, unsettled
from incidents.store.schema.types import Number, words
from incidents.store.values_table import ValuesTable
from incidents.values.ids import incident_id, task_number
from incidents.views.queue.remarks import find_remarks
from incidents.views.queue.work import INSPECTIONS

Row = Mapping[str, Any]
Key = tuple[int, int]
"""A site's id, and an incident's or a task's number there."""

MAX_URLS = 3
MAX_ABOUT = 20
"""The maximum number of incidents to read for a task: some rechecks have thousands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The incidents, tasks and addresses of the rows of a page."""

    tasks: Mapping[Key, tuple[int, ...]]
    filings: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    incidents: Mapping[Key, Row] = field(default_factory=dict)
    first_urls: Mapping[Key, list[str]] = field(default_factory=dict)
    url_counts: Mapping[Key, int] = field(default_factory=dict)
    contact_counts: Mapping[Key, Row] = field(default_factory=dict)
    last_contacts: Mapping[Key, Row] = field(default_factory=dict)
    recurrences: Mapping[Key, str] = field(default_factory=dict)
    remarks: Mapping[Key, str] = field(default_factory=dict)

    def keys(self, row: Row) -> list[Key]:
        """The incidents of an item: its own incident, or the incidents of its task."""
        if row["incident"] is not None:
            return [(row["site_id"], row["incident"])]
        task = task_key(row)
        numbers = self.tasks.get(task, ()) if task is not None else ()
        return [(row["site_id"], n) for n in numbers[:MAX_ABOUT]]

    def incident(self, row: Row) -> Row | None:
        """The incident of an item, if the item is about a single incident."""
        keys = self.keys(row)
        return self.incidents.get(keys[0]) if keys else None

    def about(self, row: Row) -> list[str]:
        """The public ids of an item's incidents."""
        return [incident_id(*key) for key in self.keys(row)]

    def about_states(self, row: Row) -> list[str | None]:
        """The states of the incidents in `about`."""
        found = (self.incidents.get(key) for key in self.keys(row))
        return [None if incident is None else incident["state"] for incident in found]

    def filing(self, row: Row) -> list[str]:
        """The parts of a filing that an item is about, as codes (see `machine.case.Task`)."""
        task = task_key(row)
        return [] if task is None else list(self.filings.get(task, ()))

    def unsettled(self, row: Row) -> list[str]:
        """The incidents of an item that can be recorded as removed, or as still online.

        The machine refuses both for a refused incident, and for an incident found on a closed site.
        """
        return [
            incident_id(*key)
            for key in self.keys(row)
            if key in self.incidents and can_move_incident(self.incidents[key]["state"], "remove")
        ]

    def recurred(self, row: Row) -> dict[str, str]:
        """Map incidents that are already logged again to the new incidents.

        Nobody has been informed of the new incidents yet, so the machine refuses another
        recurrence.
        """
        keys = self.keys(row)
        return {incident_id(*key): found for key in keys if (found := self.recurrences.get(key))}

    def urls(self, row: Row) -> list[str]:
        """The first few addresses of an item."""
        found = [url for key in self.keys(row) for url in self.first_urls.get(key, ())]
        return found[:MAX_URLS]

    def urls_total(self, row: Row) -> int:
        """The number of addresses of an item."""
        return sum(self.url_counts.get(key, 0) for key in self.keys(row))

    def attempts(self, row: Row) -> int:
        """The number of contacts on record for an item's incident, without the voided ones."""
        return self._contacts(row, "total")

    def attempts_in_time(self, row: Row) -> int:
        """The number of those contacts made by the deadline, which R2 counts."""
        return self._contacts(row, "in_time")

    def _contacts(self, row: Row, which: str) -> int:
        found = self.contact_counts.get((row["site_id"], row["incident"]))
        return 0 if found is None else found[which]

    def last_contact(self, row: Row) -> Row | None:
        """The latest contact on record for an item's incident that is not voided."""
        keys = self.keys(row)
        return self.last_contacts.get(keys[0]) if len(keys) == 1 else None

    def said_gone(self, row: Row) -> Key | None:
        """The incident whose reported removal opened this recheck, or that is to close the site."""
        for key in self.keys(row) if row["kind"] in ("recheck", "closure") else ():
            incident = self.incidents.get(key)
            said_at = None if incident is None else incident["removal_said_at"]
            if said_at is not None and (row["kind"] == "closure" or said_at == row["recorded_at"]):
                return key
        return None

    def remark(self, row: Row) -> str | None:
        """The reference to the customer's remark, if the customer wrote one."""
        reported = self.said_gone(row)
        return None if reported is None else self.remarks.get(reported)

    def notes(self) -> Iterator[str]:
        """The references to the incidents' notes, and to the customers' remarks."""
        yield from (row["note"] for row in self.incidents.values() if row["note"] is not None)
        yield from self.remarks.values()


def find_findings(connection: Connection, rows: Sequence[Row]) -> Findings:
    """The findings for these rows of `work`, in at most eight queries."""
    read = _rows(connection, "tasks", [key for row in rows if (key := task_key(row)) is not None])
    listed = {(row["site_id"], row["n"]): tuple(row["incidents"]) for row in read}
    named = Findings(tasks=listed)
    keys = sorted({key for row in rows for key in named.keys(row)})
    may_recur = sorted(
        {key for row in rows if row["kind"] in INSPECTIONS for key in named.keys(row)}
    )
    urls: dict[Key, list[str]] = defaultdict(list)
    for row in _rows(connection, "urls", keys):
        urls[row["site_id"], row["incident"]].append(row["url"])
    found = Findings(
        tasks=listed,
        filings={(row["site_id"], row["n"]): tuple(row["about"] or ()) for row in read},
        incidents={(r["site_id"], r["n"]): r for r in _rows(connection, "incidents", keys)},
        first_urls=urls,
        url_counts={
            (row["site_id"], row["incident"]): row["total"]
            for row in _rows(connection, "url_counts", keys)
        },
        contact_counts={
            (row["site_id"], row["incident"]): row
            for row in _rows(connection, "contact_counts", keys)
        },
        last_contacts={
            (row["site_id"], row["incident"]): row
            for row in _rows(connection, "last_contacts", keys)
        },
        recurrences={
            (row["site_id"], row["n"]): incident_id(row["site_id"], row["recurrence"])
            for row in _rows(connection, "recurrences", may_recur)
        },
    )
    reported = {
        key: found.incidents[key]["removal_said_at"]
        for row in rows
        if (key := found.said_gone(row)) is not None
    }
    return replace(found, remarks=find_remarks(connection, reported))


def find_attempts(connection: Connection, rows: Sequence[Row]) -> dict[Key, int]:
    """The attempts by the deadline on the incidents of these rows, in one query."""
    keys = sorted({(row["site_id"], row["incident"]) for row in rows})
    found = _rows(connection, "contact_counts", keys)
    return {(row["site_id"], row["incident"]): row["in_time"] for row in found}


def task_key(row: Row) -> Key | None:
    """The key of an item's task; None if the item is not a task."""
    number = task_number(row["item"])
    return None if number is None else (row["site_id"], number)


def _rows(connection: Connection, which: str, keys: list[Key]) -> list[Row]:
    if not keys:
        return []
    statement, given = _statement(connection.dialect.name, which)
    rows = connection.execute(statement, given.parameters(keys)).mappings()
    return [dict(row) for row in rows]


@cache
def _statement(dialect: str, which: str) -> tuple[Select[Any], ValuesTable]:
    given = ValuesTable(dialect, site_id=Number, n=Integer)
    statement, of, number = _WHAT[which]
    on = and_(of.c.site_id == given.c.site_id, number == given.c.n)
    return statement.select_from(given.table.join(of, on)), given


_first, _later = incidents.alias("first"), incidents.alias("later")
_its, _theirs = incident_urls.alias("its"), incident_urls.alias("theirs")
_same_url = (
    select(_its.c.url)
    .where(
        _its.c.site_id == _first.c.site_id, _its.c.incident == _first.c.n,
        _theirs.c.site_id == _later.c.site_id, _theirs.c.incident == _later.c.n,
        _theirs.c.url.in_((_its.c.url, _its.c.written)),
    )
    .correlate(_first, _later)
    .exists()
)  # fmt: skip
_recurrence = and_(
    _later.c.site_id == _first.c.site_id,
    unsettled(_later),
    or_(
        and_(_later.c.recurs == _first.c.n, _later.c.state != words("notified")[0]),
        and_(_later.c.state == words("open")[0], _same_url),
        and_(_later.c.state == words("unreached")[0], _later.c.n > _first.c.n, _same_url),
    ),
)
"""The reason why `recur` is refused for the first incident (see `machine.actions.incidents`)."""

_belongs = incident_urls.c
_first_urls = select(_belongs.site_id, _belongs.incident, _belongs.url)
_of = contacts.c


def _of_its_incident(column: ColumnElement[Any]) -> ScalarSelect[Any]:
    its = (incidents.c.site_id == _of.site_id, incidents.c.n == _of.incident)
    return select(column).where(*its).scalar_subquery()


_lapsed_at = _of_its_incident(incidents.c.lapsed_at)
_was_tried = and_(
    _of.occurred_at <= _of_its_incident(incidents.c.contact_due),
    or_(
        and_(_lapsed_at.is_(None), _of.voided_at.is_(None)),
        and_(
            _of.recorded_at < _lapsed_at,
            or_(_of.voided_at.is_(None), _of.voided_at >= _lapsed_at),
        ),
    ),
)
"""The contacts that `machine.rules.attempts` counts."""
_newer = contacts.alias("newer")
_is_last = and_(
    _of.voided_at.is_(None),
    ~select(_newer.c.n)
    .where(
        _newer.c.site_id == _of.site_id, _newer.c.incident == _of.incident, _newer.c.n > _of.n,
        _newer.c.voided_at.is_(None),
    )
    .correlate(contacts)
    .exists(),
)  # fmt: skip
_WHAT: dict[str, tuple[Select[Any], Any, Any]] = {
    "tasks": (
        select(tasks.c.site_id, tasks.c.n, tasks.c.incidents, tasks.c.about), tasks, tasks.c.n
    ),
    "incidents": (
        select(
            incidents.c.site_id, incidents.c.n, incidents.c.state, incidents.c.category,
            incidents.c.note, incidents.c.suspension, incidents.c.removal_said_at,
        ),
        incidents,
        incidents.c.n,
    ),
    "recurrences": (
        select(_first.c.site_id, _first.c.n, func.min(_later.c.n).label("recurrence"))
        .where(_recurrence)
        .group_by(_first.c.site_id, _first.c.n),
        _first,
        _first.c.n,
    ),
    "urls": (
        _first_urls.where(_belongs.position < MAX_URLS).order_by(
            _belongs.site_id, _belongs.incident, _belongs.position
        ),
        incident_urls,
        _belongs.incident,
    ),
    "url_counts": (
        select(_belongs.site_id, _belongs.incident, func.count().label("total")).group_by(
            _belongs.site_id, _belongs.incident
        ),
        incident_urls,
        _belongs.incident,
    ),
    "last_contacts": (
        select(_of.site_id, _of.incident, _of.occurred_at, _of.outcome, _of.by).where(_is_last),
        contacts,
        _of.incident,
    ),
    "contact_counts": (
        select(
            _of.site_id, _of.incident,
            func.sum(case((_of.voided_at.is_(None), 1), else_=0)).label("total"),
            func.sum(case((_was_tried, 1), else_=0)).label("in_time"),
        )
        .group_by(_of.site_id, _of.incident),
        contacts,
        _of.incident,
    ),
}  # fmt: skip
