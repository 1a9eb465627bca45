"""The entry: one event as the canonical JSON that is stored, exported and proved.

The text is RFC 8785 to the byte: ASCII keys in order, no floats, no space. Each entry is readable
on its own: what the machine numbers within a site stands as its public id (`12-3`, `12-3-1`,
`12-t2`), times are RFC 3339 in UTC, durations whole seconds in a key that ends in `_s`. What is
None, False or empty is left out. People's own words stand as references to sealed values.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, get_type_hints

from incidents.clock import read_rfc3339, rfc3339
from incidents.errors import IncidentsError
from incidents.machine import events
from incidents.machine.events import Event, Reason
from incidents.machine.ids import contact_id, incident_id, task_id

VERSION = 1
MAX_BYTES = 65_535
DESK = ""
"""The site's name in entries of the desk's own stream, whose site id is 0."""

_SECOND = timedelta(seconds=1)
_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


class UnreadableEntryError(IncidentsError):
    """This is no entry that the desk has written: {detail}."""


class EntryTooLargeError(IncidentsError):
    """The record of {kind} on {site} would have {size} bytes, and {limit} are the most: nothing was
    done; do it in smaller parts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyActivated(Event):
    """The desk's own act: `policy` is active from now on, in place of `previous`.

    `toml` is the policy's file and `text` the reason, a reference to a sealed value.
    """

    kind = "policy_activated"
    previous: str
    toml: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where an entry stands: the site, its place in the site's stream, and the login beside the
    person, which is None when the clock acted."""

    site: str
    site_id: int
    site_seq: int
    login: str | None = None


def encode(event: Event, site: str, site_id: int, seq: int, login: str | None) -> str:
    """The entry of `event`, the site's `seq`th.

    Raises:
        EntryTooLargeError: if it does not fit in 64 KiB.
    """
    entry: dict[str, Any] = {
        "v": VERSION,
        "site": site,
        "site_id": str(site_id),
        "site_seq": str(seq),
        "kind": event.kind,
        "occurred_at": rfc3339(event.occurred_at),
        "recorded_at": rfc3339(event.recorded_at),
        "actor": event.by,
        "policy": event.policy,
        "data": _written(event, site_id),
    }
    if login is not None:
        entry["login"] = login
    if event.run is not None:
        entry["run"] = event.run
    if event.reason is not None:
        entry["rule"] = event.reason.rule
        entry["reason"] = _written(event.reason, site_id)
    text = _JSON.encode(entry)
    if len(text) * 4 > MAX_BYTES:
        _check_size(text, event, site)
    return text


def decode(text: str) -> tuple[Header, Event]:
    """What `encode` was given.

    Raises:
        UnreadableEntryError: saying what is wrong with it.
    """
    try:
        entry = json.loads(text)
        if entry["v"] != VERSION:
            raise UnreadableEntryError(detail=f"its version is {entry['v']!r}, not {VERSION}")
        header = Header(
            site=entry["site"],
            site_id=int(entry["site_id"]),
            site_seq=int(entry["site_seq"]),
            login=entry.get("login"),
        )
        event = _event(entry)
        again = encode(event, header.site, header.site_id, header.site_seq, header.login)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnreadableEntryError(detail=f"{type(error).__name__}: {error}") from error
    if again != text:
        raise UnreadableEntryError(detail="it is not written as the desk writes")
    return header, event


def _event(entry: dict[str, Any]) -> Event:
    kind = _KINDS[entry["kind"]]
    reason = None
    if "rule" in entry:
        reason = Reason(rule=entry["rule"], **_read(Reason, entry["reason"]))
    own = _read(kind, entry["data"])
    if kind is events.SiteAdded:
        own["site"] = entry["site"]
    return kind(
        occurred_at=read_rfc3339(entry["occurred_at"]),
        recorded_at=read_rfc3339(entry["recorded_at"]),
        by=entry["actor"],
        policy=entry["policy"],
        reason=reason,
        run=entry.get("run"),
        **own,
    )


def _check_size(text: str, event: Event, site: str) -> None:
    size = len(text.encode())
    if size > MAX_BYTES:
        raise EntryTooLargeError(kind=event.kind, site=site, size=size, limit=MAX_BYTES)


def _written(value: Event | Reason, site_id: int) -> dict[str, Any]:
    found = {}
    for field in _layout(type(value)):
        own = getattr(value, field.name)
        if own is None or own is False or own == ():
            continue
        found[field.key] = own if field.write is None else field.write(own, site_id, value)
    return found


def _read(kind: type[Event | Reason], document: dict[str, Any]) -> dict[str, Any]:
    return {
        field.name: field.absent
        if field.key not in document
        else document[field.key]
        if field.read is None
        else field.read(document[field.key])
        for field in _layout(kind)
    }


@dataclass(frozen=True, slots=True)
class _Field:
    """How one field stands in an entry; no way to write or read it: as it is."""

    name: str
    key: str
    write: Callable[[Any, int, Any], Any] | None
    read: Callable[[Any], Any] | None
    absent: Any


def _layout(kind: type[Event | Reason]) -> tuple[_Field, ...]:
    found = _layouts.get(kind)
    if found is None:
        hints = get_type_hints(kind)
        own = (field.name for field in fields(kind) if field.name not in _ABOVE)
        found = _layouts[kind] = tuple(_field(name, hints[name]) for name in own)
    return found


_layouts: dict[type, tuple[_Field, ...]] = {}
# These stand in the entry itself, beside its data.
_ABOVE = frozenset({field.name for field in fields(Event)} | {"rule", "site"})


def _field(name: str, hint: Any) -> _Field:
    if name in _IDS:
        return _Field(name, name, *_IDS[name], absent=None)
    if hint in (datetime, datetime | None):
        return _Field(name, name, _write_time, read_rfc3339, absent=None)
    if hint == timedelta | None:
        return _Field(name, f"{name}_s", _write_seconds, _read_seconds, absent=None)
    if hint == tuple[int, ...]:
        return _Field(name, name, _write_incidents, _read_incidents, absent=())
    if hint == tuple[str, ...]:
        return _Field(name, name, _write_list, tuple, absent=())
    absent = {bool: False}.get(hint)
    return _Field(name, name, None, None, absent=absent)


def _write_time(value: datetime, _site_id: int, _whole: Any) -> str:
    return rfc3339(value)


def _write_seconds(value: timedelta, _site_id: int, _whole: Any) -> int:
    return value // _SECOND


def _read_seconds(value: int) -> timedelta:
    return timedelta(seconds=value)


def _write_incidents(value: tuple[int, ...], site_id: int, _whole: Any) -> list[str]:
    return [incident_id(site_id, n) for n in value]


def _read_incidents(value: list[str]) -> tuple[int, ...]:
    return tuple(_last_number(name) for name in value)


def _write_list(value: tuple[str, ...], _site_id: int, _whole: Any) -> list[str]:
    return list(value)


def _last_number(name: str) -> int:
    return int(name.rpartition("-")[2].removeprefix("t"))


def _write_incident(value: int, site_id: int, _whole: Any) -> str:
    return incident_id(site_id, value)


def _write_contact(value: int | str, site_id: int, whole: Any) -> Any:
    # Of an imported incident, `contact` is what came of a call, not the number of one.
    if isinstance(value, str):
        return value
    return contact_id(site_id, whole.incident, value)


def _read_contact(value: str) -> int | str:
    return _last_number(value) if value[0].isdigit() else value


def _write_task(value: int, site_id: int, _whole: Any) -> str:
    return task_id(site_id, value)


def _write_number(value: int, _site_id: int, _whole: Any) -> str:
    return str(value)


def _write_item(value: str, site_id: int, _whole: Any) -> str:
    return f"{site_id}-{value}"


def _read_item(value: str) -> str:
    return value.partition("-")[2]


_IDS: dict[str, tuple[Callable[[Any, int, Any], Any], Callable[[Any], Any]]] = {
    "incident": (_write_incident, _last_number),
    "recurs": (_write_incident, _last_number),
    "contact": (_write_contact, _read_contact),
    "task": (_write_task, _last_number),
    "suspension": (_write_number, int),
    "item": (_write_item, _read_item),
}
_KINDS: dict[str, type[Event]] = {**events.KINDS, PolicyActivated.kind: PolicyActivated}
