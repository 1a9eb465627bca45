"""Queries of incidents, with their addresses, contacts and evidence."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    func,
    select,
    true,
    tuple_,
)

from incidents.machine.case import Contact, Evidence, Incident
from incidents.store import tables
from incidents.store.given import Given
from incidents.store.statement import Change, Question, Row
from incidents.store.tables import contacts, evidence, incident_urls, incidents
from incidents.store.types import Number, UTCDateTime, from_microseconds

Key = tuple[int, int]
"""A site's id and the incident's number there."""

Found = tuple[int, Incident]
"""A site's id and the incident."""

Moment = tuple[int, int, datetime]
"""A site's id, its epoch, and a time."""

Changed = tuple[int, Incident | None, Incident]
"""A site's id, what its incident was (None: new) and what it is."""


def whole(connection: Connection, keys: Iterable[Key]) -> dict[Key, Incident]:
    """Those of these numbers, with all that belongs to them."""
    found = NAMED.ask(connection, sorted(keys)).all()
    return {(site, incident.n): incident for site, incident in found}


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Writes incidents."""
    new = [(site, now) for site, was, now in changes if was is None]
    changed = [(site, now) for site, was, now in changes if was is not None]
    _NEW.tell(connection, [(site, *[getattr(now, name) for name in _OWN]) for site, now in new])
    _CHANGED.tell(
        connection,
        [(site, now.n, *[getattr(now, name) for name in _MAY_CHANGE]) for site, now in changed],
    )
    _NEW_URL.tell(connection, [row for site, now in new for row in _url_rows(site, now)])
    _NEW_CONTACT.tell(connection, [row for change in changes for row in _new_contacts(change)])
    _VOIDED.tell(connection, [row for change in changes for row in _voided_contacts(change)])
    _NEW_EVIDENCE.tell(connection, [row for change in changes for row in _new_evidence(change)])


def _url_rows(site: int, incident: Incident) -> list[Row]:
    return [(site, incident.n, position, url) for position, url in enumerate(incident.urls)]


def _new_contacts(change: Changed) -> list[Row]:
    site, was, now = change
    known = 0 if was is None else len(was.contacts)
    return [
        (site, now.n, *[getattr(contact, name) for name in _OF_CONTACT])
        for contact in now.contacts[known:]
    ]


def _voided_contacts(change: Changed) -> list[Row]:
    site, was, now = change
    if was is None or was.contacts is now.contacts:
        return []
    return [
        (site, now.n, contact.n, contact.voided_at)
        for before, contact in zip(was.contacts, now.contacts, strict=False)
        if before != contact
    ]


def _new_evidence(change: Changed) -> list[Row]:
    site, was, now = change
    known = 0 if was is None else len(was.evidence)
    return [
        (site, now.n, place, *[getattr(now.evidence[place], name) for name in _OF_EVIDENCE])
        for place in range(known, len(now.evidence))
    ]


def _names(table: Table) -> tuple[str, ...]:
    """The table's columns without those that say whose the row is."""
    added = {"site_id", "incident", "position"}
    return tuple(column.name for column in table.c if column.name not in added)


_OWN = _names(incidents)
_OF_CONTACT = _names(contacts)
_OF_EVIDENCE = _names(evidence)
_MAY_CHANGE = (
    "state", "contact_due", "removal_due", "lapsed_at", "suspension", "corrections",
    "reached_in_time", "reported_at", "removal_said_at",
)  # fmt: skip
_NEW = Change(incidents, "site_id", *_OWN)
_CHANGED = Change(incidents, *_MAY_CHANGE, keys=("site_id", "n"))
_NEW_URL = Change(incident_urls, *(column.name for column in incident_urls.c))
_NEW_CONTACT = Change(contacts, "site_id", "incident", *_OF_CONTACT)
_VOIDED = Change(contacts, "voided_at", keys=("site_id", "incident", "n"))
_NEW_EVIDENCE = Change(evidence, "site_id", "incident", "position", *_OF_EVIDENCE)


# What is read: the row, and what belongs to it as one JSON text each, so that an incident is read
# by one statement however much belongs to it.


def _columns(dialect: str, of: FromClause = incidents) -> list[ColumnElement[Any]]:
    parts = (incident_urls, contacts, evidence)
    return [*of.c, *(_belonging(dialect, table, of) for table in parts)]


def _belonging(dialect: str, table: Table, of: FromClause) -> ColumnElement[Any]:
    names = _names(table)
    place = table.c.n if table is contacts else table.c.position
    one = [place, *(table.c[name] for name in names)]
    if dialect == "sqlite":
        listed: ColumnElement[Any] = func.json_group_array(func.json_array(*one))
    elif table is incident_urls:
        # To build JSON costs the server more than to find the row, and nearly all have an address.
        listed = func.array_agg(table.c.url).aggregate_order_by(place)
    else:
        listed = cast(func.json_agg(func.json_build_array(*one)), Text)
    of_it = and_(table.c.site_id == of.c.site_id, table.c.incident == of.c.n)
    return select(listed).where(of_it).correlate(of).scalar_subquery().label(f"all_{table.name}")


def read(row: Row) -> Found:
    """The incident of a row, with all that belongs to it."""
    site, *own, urls, calls, files = row
    return site, Incident(
        **dict(zip(_OWN, own, strict=True)),
        urls=tuple(urls) if isinstance(urls, list) else _parts(urls, str),
        contacts=_parts(calls, _contact),
        evidence=_parts(files, _evidence),
    )


def _parts(text: str | None, read: Callable[..., Any]) -> tuple[Any, ...]:
    if text is None or text == "[]":
        return ()
    return tuple(read(*values) for _, *values in sorted(json.loads(text), key=_place))


def _place(values: list[Any]) -> int:
    place: int = values[0]
    return place


def _contact(*values: Any) -> Contact:
    fields = dict(zip(_OF_CONTACT, values, strict=True))
    for name in ("occurred_at", "recorded_at", "voided_at"):
        fields[name] = _moment(fields[name])
    fields["stopped_clock"] = bool(fields["stopped_clock"])
    return Contact(**fields)


def _evidence(*values: Any) -> Evidence:
    fields = dict(zip(_OF_EVIDENCE, values, strict=True))
    return Evidence(**{**fields, "recorded_at": _moment(fields["recorded_at"])})


def _moment(value: str | int | None) -> datetime | None:
    """A time as each kind of database writes it in JSON."""
    if value is None:
        return None
    if isinstance(value, int):
        return from_microseconds(value)
    return datetime.fromisoformat(value).astimezone(UTC)


def _of_sites(condition: Callable[[], ColumnElement[bool]]) -> Question[Found]:
    def build(dialect: str) -> tuple[Select[Any], Given]:
        given = Given(dialect, site_id=Number)
        same = incidents.c.site_id == given.table.c.site_id
        return _joined(dialect, given, and_(same, condition()))

    return Question(build, read)


UNSETTLED = _of_sites(tables.unsettled)
"""Given sites: what the desk still has to do something about."""

UNLISTED = _of_sites(tables.unlisted)
"""Given sites: what is not settled either but does not wait in the queue, refused and moot."""

ALL = _of_sites(true)
"""Given sites: all that there is."""


def _joined(dialect: str, given: Given, on: ColumnElement[bool]) -> tuple[Select[Any], Given]:
    return given.joined(_columns(dialect), incidents, on), given


def _named(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, n=Integer)
    on = and_(incidents.c.site_id == given.table.c.site_id, incidents.c.n == given.table.c.n)
    return _joined(dialect, given, on)


def _members(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, suspension=Integer)
    on = and_(
        incidents.c.site_id == given.table.c.site_id,
        incidents.c.suspension == given.table.c.suspension,
        tables.member(),
    )
    return _joined(dialect, given, on)


def _nearest(dialect: str, *, before: bool) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, epoch=Integer, at=UTCDateTime)
    near = incidents.alias("near")
    at = given.table.c.at
    side = near.c.occurred_at <= at if before else near.c.occurred_at > at
    order = (near.c.occurred_at, near.c.n)
    ordered = [column.desc() for column in order] if before else list(order)
    return _top(dialect, given, near, and_(tables.countable(near), side), ordered)


def _reached_before(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, epoch=Integer, due=UTCDateTime, n=Integer)
    near = incidents.alias("near")
    place = tuple_(near.c.contact_due, near.c.n)
    earlier = place < tuple_(given.table.c.due, given.table.c.n)
    ordered = [near.c.contact_due.desc(), near.c.n.desc()]
    return _top(dialect, given, near, and_(tables.in_time(near), earlier), ordered)


def _reached_from(dialect: str) -> tuple[Select[Any], Given]:
    given = Given(dialect, site_id=Number, epoch=Integer, due=UTCDateTime, n=Integer)
    place = tuple_(incidents.c.contact_due, incidents.c.n)
    on = and_(
        incidents.c.site_id == given.table.c.site_id,
        incidents.c.epoch == given.table.c.epoch,
        place >= tuple_(given.table.c.due, given.table.c.n),
        tables.in_time(),
    )
    return _joined(dialect, given, on)


def _top(
    dialect: str,
    given: Given,
    near: FromClause,
    condition: ColumnElement[bool],
    order: Sequence[ColumnElement[Any]],
) -> tuple[Select[Any], Given]:
    """The first `most` incidents in `order` for each given row.

    A lateral join, which SQLite does not have: there the list of their numbers is looked up for
    each given row, by the same index.
    """
    same = and_(near.c.site_id == given.table.c.site_id, near.c.epoch == given.table.c.epoch)
    most = bindparam("most", type_=Integer)
    if dialect == "sqlite":
        numbers = select(near.c.n).where(same, condition).order_by(*order).limit(most)
        on = and_(
            incidents.c.site_id == given.table.c.site_id,
            incidents.c.n.in_(numbers.correlate(given.table)),
        )
        return _joined(dialect, given, on)
    top = select(near).where(same, condition).order_by(*order).limit(most).lateral("top")
    return select(*_columns(dialect, top)).select_from(given.table.join(top, true())), given


NAMED = Question(_named, read)
"""Given sites and numbers: those."""

MEMBERS = Question(_members, read)
"""Given sites and suspensions: what these rest on (R2)."""

NEAREST_BEFORE = Question(lambda dialect: _nearest(dialect, before=True), read)
"""Given sites, epochs and times: the last `most` countable ones until then (R1)."""

NEAREST_AFTER = Question(lambda dialect: _nearest(dialect, before=False), read)
"""The same: the first `most` of those after it."""

REACHED_BEFORE = Question(_reached_before, read)
"""Given sites, epochs and places: the last `most` before whose person was reached in time (R3)."""

REACHED_FROM = Question(_reached_from, read)
"""Given sites, epochs and places: all from there on whose person was reached in time (R3)."""
