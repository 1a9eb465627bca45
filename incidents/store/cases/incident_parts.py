"""Queries for the parts of an incident: its addresses, contacts, evidence and notes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Table, Text, and_, cast, func, select

from incidents.machine.incident import Contact, Evidence, Incident, Note
from incidents.store.compiled import Row
from incidents.store.schema.tables import contacts, evidence, incident_urls, notes
from incidents.store.schema.types import from_microseconds
from incidents.store.statement import Mutation

_LINE = "\n"

Changed = tuple[int, Incident | None, Incident]
"""A site's id, its incident before (None: new) and now."""


def save(connection: Connection, changes: Sequence[Changed]) -> None:
    """Write the new parts of incidents; the rows of the incidents must be written first."""
    _NEW_URL.execute(connection, [row for change in changes for row in _new_urls(change)])
    _NEW_CONTACT.execute(connection, [row for change in changes for row in _new_contacts(change)])
    _VOIDED.execute(connection, [row for change in changes for row in _voided_contacts(change)])
    for name, mutation in (("evidence", _NEW_EVIDENCE), ("notes", _NEW_NOTE)):
        rows = [row for change in changes for row in _new_parts(change, name)]
        mutation.execute(connection, rows)


def columns(dialect: str, of: FromClause) -> list[ColumnElement[Any]]:
    """The parts of an incident in the table `of`, each kind as one JSON text.

    One statement can then read an incident with any number of parts.
    """
    tables = (incident_urls, contacts, evidence, notes)
    return [_belonging(dialect, table, of) for table in tables]


def read(urls: Any, calls: str | None, files: str | None, notes: str | None) -> dict[str, Any]:
    """The fields of an incident from those columns."""
    return {
        **_addresses(urls),
        "contacts": _parts(calls, _contact),
        "evidence": _parts(files, _evidence),
        "notes": _parts(notes, _note),
    }


def _new_urls(change: Changed) -> list[Row]:
    site, was, now = change
    if was is not None:
        return []
    return [(site, now.n, *row) for row in url_rows(now)]


def url_rows(incident: Incident) -> Iterator[tuple[int, str, str | None]]:
    """The position of each address, its normal form, and its written form if that differs."""
    written = incident.written or ("",) * len(incident.urls)
    for place, (url, text) in enumerate(zip(incident.urls, written, strict=True)):
        yield place, url, text or None


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


def _new_parts(change: Changed, name: str) -> list[Row]:
    """The new rows of parts that are appended and never changed: files and notes."""
    site, was, now = change
    parts = getattr(now, name)
    known = 0 if was is None else len(getattr(was, name))
    return [
        (site, now.n, place, *[getattr(parts[place], column) for column in _OF_PARTS[name]])
        for place in range(known, len(parts))
    ]


def _names(table: Table) -> tuple[str, ...]:
    """The columns of the table, except its keys for site and incident."""
    added = {"site_id", "incident", "position"}
    return tuple(column.name for column in table.c if column.name not in added)


def _belonging(dialect: str, table: Table, of: FromClause) -> ColumnElement[Any]:
    names = _names(table)
    place = table.c.n if table is contacts else table.c.position
    one = [place, *(table.c[name] for name in names)]
    if dialect == "sqlite":
        listed: ColumnElement[Any] = func.json_group_array(func.json_array(*one))
    elif table is incident_urls:
        # Building JSON costs the server more than finding the row, and nearly all have an address.
        # A normal form has no line break, so one separates it from the written form.
        address = table.c.url + func.coalesce(_LINE + table.c.written, "")
        listed = func.array_agg(address).aggregate_order_by(place)
    else:
        listed = cast(func.json_agg(func.json_build_array(*one)), Text)
    of_it = and_(table.c.site_id == of.c.site_id, table.c.incident == of.c.n)
    return select(listed).where(of_it).correlate(of).scalar_subquery().label(f"all_{table.name}")


def _addresses(found: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(found, list):
        pairs = [text.partition(_LINE)[::2] for text in found]
    else:
        pairs = list(_parts(found, lambda url, written: (url, written or "")))
    written = tuple(text for _, text in pairs)
    return {"urls": tuple(url for url, _ in pairs), "written": written if any(written) else ()}


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
    return Evidence(**_recorded(_OF_EVIDENCE, values))


def _note(*values: Any) -> Note:
    return Note(**_recorded(_OF_NOTE, values))


def _recorded(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    fields = dict(zip(names, values, strict=True))
    return {**fields, "recorded_at": _moment(fields["recorded_at"])}


def _moment(value: str | int | None) -> datetime | None:
    """A time from its form in JSON, which depends on the kind of database."""
    if value is None:
        return None
    if isinstance(value, int):
        return from_microseconds(value)
    return datetime.fromisoformat(value).astimezone(UTC)


_OF_CONTACT, _OF_EVIDENCE, _OF_NOTE = _names(contacts), _names(evidence), _names(notes)
_OF_PARTS = {"evidence": _OF_EVIDENCE, "notes": _OF_NOTE}
_NEW_URL = Mutation(incident_urls, *(column.name for column in incident_urls.c))
_NEW_CONTACT = Mutation(contacts, "site_id", "incident", *_OF_CONTACT)
_VOIDED = Mutation(contacts, "voided_at", keys=("site_id", "incident", "n"))
_NEW_EVIDENCE = Mutation(evidence, "site_id", "incident", "position", *_OF_EVIDENCE)
_NEW_NOTE = Mutation(notes, "site_id", "incident", "position", *_OF_NOTE)
