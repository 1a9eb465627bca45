"""Queries of incidents, with their addresses, contacts and evidence."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    insert,
    select,
    true,
    tuple_,
    update,
)

from incidents.machine.case import Contact, Evidence, Incident
from incidents.store import tables
from incidents.store.given import Given, execute
from incidents.store.tables import contacts, evidence, incident_urls, incidents
from incidents.store.types import Number, UTCDateTime

Key = tuple[int, int]
"""A site's id and the incident's number there."""

Moment = tuple[int, int, datetime]
"""A site's id, its epoch, and a time."""

Place = tuple[int, int, datetime, int]
"""A site's id, its epoch, and a place in the order of contact deadlines (R3)."""

Rows = list[Mapping[str, Any]]


def unsettled(connection: Connection, site_ids: Iterable[int]) -> Rows:
    """Those that the desk still has to do something about."""
    return _of_sites(connection, "unsettled", site_ids)


def unlisted(connection: Connection, site_ids: Iterable[int]) -> Rows:
    """Those that are not settled either but do not wait in the queue: refused and moot ones."""
    return _of_sites(connection, "unlisted", site_ids)


def named(connection: Connection, keys: Iterable[Key]) -> Rows:
    """Those of these numbers."""
    statement, given = _named(connection.dialect.name)
    return _rows(connection, statement, given.parameters(sorted(keys)))


def members(connection: Connection, suspensions: Iterable[Key]) -> Rows:
    """Those that these suspensions rest on (R2)."""
    statement, given = _members(connection.dialect.name)
    return _rows(connection, statement, given.parameters(sorted(suspensions)))


def nearest(connection: Connection, moments: Iterable[Moment], most: int) -> Rows:
    """The `most` countable ones on each side of each time: what a window of R1 can hold."""
    found: Rows = []
    for before in (True, False):
        statement, given = _nearest(connection.dialect.name, before=before)
        parameters = given.parameters(sorted(moments))
        found += _rows(connection, statement, {**parameters, "most": most})
    return found


def reached_before(connection: Connection, places: Iterable[Place], most: int) -> Rows:
    """The last `most` ones before each place whose person was reached in time (R3)."""
    statement, given = _reached_before(connection.dialect.name)
    return _rows(connection, statement, {**given.parameters(sorted(places)), "most": most})


def reached_from(connection: Connection, places: Iterable[Place]) -> Rows:
    """All from each place on whose person was reached in time (R3)."""
    statement, given = _reached_from(connection.dialect.name)
    return _rows(connection, statement, given.parameters(sorted(places)))


def whole(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> dict[Key, Incident]:
    """The incidents of these rows, with all that belongs to them."""
    by_key = {(row["site_id"], row["n"]): row for row in rows}
    if not by_key:
        return {}
    keys = sorted(by_key)
    urls = _belonging(connection, incident_urls, keys)
    calls = _belonging(connection, contacts, keys)
    files = _belonging(connection, evidence, keys)
    return {
        key: Incident(
            **{name: value for name, value in by_key[key].items() if name != "site_id"},
            urls=tuple(row["url"] for row in urls.get(key, ())),
            contacts=tuple(Contact(**_own(row)) for row in calls.get(key, ())),
            evidence=tuple(Evidence(**_own(row)) for row in files.get(key, ())),
        )
        for key in keys
    }


def save(connection: Connection, changes: Sequence[tuple[int, Incident | None, Incident]]) -> None:
    """Writes incidents: of each its site's id, what it was (None: new) and what it is."""
    new = [(site, now) for site, was, now in changes if was is None]
    changed = [(site, now) for site, was, now in changes if was is not None]
    execute(connection, _NEW, [_row(site, now) for site, now in new])
    execute(connection, _CHANGED, [_changed_row(site, now) for site, now in changed])
    execute(connection, _NEW_URL, [row for site, now in new for row in _url_rows(site, now)])
    _save_contacts(connection, changes)
    execute(
        connection,
        _NEW_EVIDENCE,
        [row for site, was, now in changes for row in _evidence_rows(site, was, now)],
    )


def _save_contacts(
    connection: Connection, changes: Sequence[tuple[int, Incident | None, Incident]]
) -> None:
    new, changed = [], []
    for site, was, now in changes:
        before = {} if was is None else {contact.n: contact for contact in was.contacts}
        for contact in now.contacts:
            if contact.n not in before:
                new.append({"site_id": site, "incident": now.n, **_fields(contact, contacts)})
            elif contact != before[contact.n]:
                changed.append(
                    {
                        "key_site": site, "key_incident": now.n, "key_n": contact.n,
                        "voided_at": contact.voided_at,
                    }
                )  # fmt: skip
    execute(connection, _NEW_CONTACT, new)
    execute(connection, _VOIDED_CONTACT, changed)


def _row(site: int, incident: Incident) -> dict[str, Any]:
    return {"site_id": site, **_fields(incident, incidents)}


def _changed_row(site: int, incident: Incident) -> dict[str, Any]:
    changes = {name: getattr(incident, name) for name in _MAY_CHANGE}
    return {"key_site": site, "key_n": incident.n, **changes}


def _fields(value: object, table: Table) -> dict[str, Any]:
    return {name: getattr(value, name) for name in _names(table) if name not in _ADDED}


@cache
def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.c)


def _url_rows(site: int, incident: Incident) -> list[dict[str, Any]]:
    return [
        {
            "site_id": site, "incident": incident.n, "position": position, "url": url,
            "url_key": hashlib.sha256(url.encode()).hexdigest(),
        }
        for position, url in enumerate(incident.urls)
    ]  # fmt: skip


def _evidence_rows(site: int, was: Incident | None, now: Incident) -> list[dict[str, Any]]:
    known = 0 if was is None else len(was.evidence)
    return [
        {
            "site_id": site, "incident": now.n, "position": position,
            **_fields(now.evidence[position], evidence),
        }
        for position in range(known, len(now.evidence))
    ]  # fmt: skip


def _rows(connection: Connection, statement: Select[Any], parameters: dict[str, Any]) -> Rows:
    return list(connection.execute(statement, parameters).mappings())  # type: ignore[arg-type]  # rows by column name


def _of_sites(connection: Connection, which: str, site_ids: Iterable[int]) -> Rows:
    statement, given = _those(connection.dialect.name, which)
    return _rows(connection, statement, given.parameters([(id_,) for id_ in sorted(site_ids)]))


def _belonging(connection: Connection, table: Table, keys: Sequence[Key]) -> dict[Key, Rows]:
    statement, given = _parts(connection.dialect.name, table.name)
    found: dict[Key, Rows] = defaultdict(list)
    for row in _rows(connection, statement, given.parameters(keys)):
        found[row["site_id"], row["incident"]].append(row)
    return found


def _own(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _ADDED}


_ADDED = frozenset({"site_id", "incident", "position"})
_Statement = tuple[Select[Any], Given]


@cache
def _those(dialect: str, which: str) -> _Statement:
    given = Given(dialect, site_id=Number)
    condition = {"unsettled": tables.unsettled, "unlisted": tables.unlisted}[which]
    joined = given.table.join(incidents, incidents.c.site_id == given.table.c.site_id)
    return select(incidents).select_from(joined).where(condition()), given


@cache
def _named(dialect: str) -> _Statement:
    given = Given(dialect, site_id=Number, n=Integer)
    on = and_(incidents.c.site_id == given.table.c.site_id, incidents.c.n == given.table.c.n)
    return select(incidents).select_from(given.table.join(incidents, on)), given


@cache
def _members(dialect: str) -> _Statement:
    given = Given(dialect, site_id=Number, suspension=Integer)
    on = and_(
        incidents.c.site_id == given.table.c.site_id,
        incidents.c.suspension == given.table.c.suspension,
        tables.member(),
    )
    return select(incidents).select_from(given.table.join(incidents, on)), given


@cache
def _nearest(dialect: str, *, before: bool) -> _Statement:
    given = Given(dialect, site_id=Number, epoch=Integer, at=UTCDateTime)
    near = incidents.alias("near")
    at = given.table.c.at
    side = near.c.occurred_at <= at if before else near.c.occurred_at > at
    order = (near.c.occurred_at, near.c.n)
    return _top(
        dialect,
        given,
        near,
        and_(tables.countable(near), side),
        [column.desc() for column in order] if before else list(order),
    )


@cache
def _reached_before(dialect: str) -> _Statement:
    given = Given(dialect, site_id=Number, epoch=Integer, due=UTCDateTime, n=Integer)
    near = incidents.alias("near")
    place = tuple_(near.c.contact_due, near.c.n)
    earlier = place < tuple_(given.table.c.due, given.table.c.n)
    return _top(
        dialect,
        given,
        near,
        and_(tables.in_time(near), earlier),
        [near.c.contact_due.desc(), near.c.n.desc()],
    )


@cache
def _reached_from(dialect: str) -> _Statement:
    given = Given(dialect, site_id=Number, epoch=Integer, due=UTCDateTime, n=Integer)
    place = tuple_(incidents.c.contact_due, incidents.c.n)
    on = and_(
        incidents.c.site_id == given.table.c.site_id,
        incidents.c.epoch == given.table.c.epoch,
        place >= tuple_(given.table.c.due, given.table.c.n),
        tables.in_time(),
    )
    return select(incidents).select_from(given.table.join(incidents, on)), given


def _top(
    dialect: str,
    given: Given,
    near: FromClause,
    condition: ColumnElement[bool],
    order: list[ColumnElement[Any]],
) -> _Statement:
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
        return select(incidents).select_from(given.table.join(incidents, on)), given
    top = select(near).where(same, condition).order_by(*order).limit(most).lateral("top")
    return select(top).select_from(given.table.join(top, true())), given


@cache
def _parts(dialect: str, table_name: str) -> _Statement:
    table = tables.metadata.tables[table_name]
    given = Given(dialect, site_id=Number, incident=Integer)
    on = and_(table.c.site_id == given.table.c.site_id, table.c.incident == given.table.c.incident)
    joined = select(table).select_from(given.table.join(table, on))
    return joined.order_by(*table.primary_key.columns), given


_NEW = insert(incidents)
_NEW_URL = insert(incident_urls)
_NEW_CONTACT = insert(contacts)
_NEW_EVIDENCE = insert(evidence)
_CHANGED = update(incidents).where(
    incidents.c.site_id == bindparam("key_site"), incidents.c.n == bindparam("key_n")
)
_MAY_CHANGE = (
    "state", "contact_due", "removal_due", "lapsed_at", "suspension", "corrections",
    "reached_in_time",
)  # fmt: skip
_VOIDED_CONTACT = update(contacts).where(
    contacts.c.site_id == bindparam("key_site"),
    contacts.c.incident == bindparam("key_incident"),
    contacts.c.n == bindparam("key_n"),
)
