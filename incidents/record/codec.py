"""The codec: converts each kind of event's own fields to and from an entry.

The fields of a kind are determined once. Keys are in order; None, False and empty values are left
out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from json.encoder import encode_basestring as quoted
from typing import Any, Generic, TypeVar

from incidents.clock import rfc3339
from incidents.errors import Cause
from incidents.machine.events import Event, Reason
from incidents.values.ids import contact_id, incident_id, item_id, order_id, task_id
from incidents.values.parsing import MisreadError

Kind = TypeVar("Kind", bound=Event | Reason)
_Write = Callable[..., str]
"""A function that converts a value to JSON (empty: left out).

For a public id, the function also takes the site's id and the whole event.
"""
_Read = Callable[[Any], Any]
"""A function that converts JSON to a value.

Writing the value again shows whether the JSON was canonical.
"""

_SECOND = timedelta(seconds=1)
# These are in the entry itself, beside its data.
_ABOVE = frozenset({field.name for field in fields(Event)} | {"rule", "site"})


class _Readers(dict[str, tuple[str, "_Read | None"]]):
    """The field for a key, and the function that reads the field."""

    def __missing__(self, key: str) -> tuple[str, _Read | None]:
        none = "its kind has no field {field!r}"
        raise MisreadError(Cause.of("flaw_entry_field", none, field=key[:80]))


class Codec(Generic[Kind]):
    """The fields specific to one kind of event, or to a reason."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self._writers: list[tuple[str, str, _Write, bool]] = []
        self._readers = _Readers()
        self._absent: dict[str, Any] = {}
        keyed = []
        for field in fields(kind):
            # As it is written: while a test holds the clock, what it names is another class.
            hint = str(field.type)
            suffix = "_s" if hint == "timedelta | None" else ""
            if field.name not in _ABOVE:
                keyed.append((f"{field.name}{suffix}", field.name, hint))
        for key, name, hint in sorted(keyed):
            # Of an imported incident, `contact` is what came of a call, not the number of one.
            in_site = name in _IN_SITE and (name, hint) != ("contact", "str | None")
            write, read = _IN_SITE[name] if in_site else _TYPES[hint]
            self._writers.append((name, f'"{key}":', write, in_site))
            self._readers[key] = (name, read)
            self._absent[name] = _ABSENT.get(hint)

    @property
    def fields(self) -> dict[str, str]:
        """The field under each key, in the order of the keys."""
        return {key: name for key, (name, _) in self._readers.items()}

    def write(self, value: Kind, site_id: int) -> str:
        """The fields as one canonical JSON object.

        Raises:
            TypeError: if a value has a different type from its field.
        """
        parts = []
        for name, key, write, in_site in self._writers:
            own = getattr(value, name)
            if own is not None and own is not False:
                text = write(own, site_id, value) if in_site else write(own)
                if text:
                    parts.append(key + text)
        return "{" + ",".join(parts) + "}"

    def read(self, document: dict[str, Any]) -> dict[str, Any]:
        """The fields in such an object, by name.

        Raises:
            MisreadError: for a key without a field.
        """
        found = self._absent.copy()
        readers = self._readers
        for key, value in document.items():
            name, read = readers[key]
            found[name] = value if read is None else read(value)
        return found


def _write_texts(value: tuple[str, ...]) -> str:
    return "[" + ",".join(map(quoted, value)) + "]" if value else ""


def _write_details(details: tuple[tuple[str, str], ...]) -> str:
    # Keys of a filing are ASCII, so this is the order of RFC 8785.
    pairs = [f"{quoted(key)}:{quoted(text)}" for key, text in sorted(details)]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _write_incidents(numbers: tuple[int, ...], site_id: int, _whole: Any) -> str:
    names = [f'"{incident_id(site_id, n)}"' for n in numbers]
    return "[" + ",".join(names) + "]" if names else ""


def _id(write: Callable[[int, int], str]) -> _Write:
    """Write a number within the site as a public id."""
    return lambda n, site_id, _whole: f'"{write(site_id, n)}"'


def _number(before: str = "-") -> _Read:
    """The number at the end of a public id."""
    return lambda name: int(name.rpartition(before)[2])


_IN_SITE: dict[str, tuple[_Write, _Read]] = {
    "incident": (_id(incident_id), _number()),
    "incidents": (_write_incidents, lambda names: tuple(map(_number(), names))),
    "recurs": (_id(incident_id), _number()),
    "contact": (
        lambda n, site_id, whole: f'"{contact_id(site_id, whole.incident, n)}"', _number(),
    ),
    "task": (_id(task_id), _number("-t")),
    "order": (_id(order_id), _number("-o")),
    "suspension": (lambda n, _site_id, _whole: f'"{n}"', int),
    "item": (
        lambda item, site_id, _whole: quoted(item_id(site_id, item)),
        lambda name: name.partition("-")[2],
    ),
}  # fmt: skip
"""The fields with a number within the site, which is written as a public id."""

_TYPES: dict[str, tuple[_Write, _Read | None]] = {
    "str": (quoted, None),
    "str | None": (quoted, None),
    "int": (int.__repr__, None),
    "int | None": (int.__repr__, None),
    "bool": (lambda _value: "true", None),
    "datetime": (lambda time: f'"{rfc3339(time)}"', datetime.fromisoformat),
    "datetime | None": (lambda time: f'"{rfc3339(time)}"', datetime.fromisoformat),
    "timedelta | None": (
        lambda duration: f"{duration // _SECOND}", lambda n: timedelta(seconds=n),
    ),
    "tuple[str, ...]": (_write_texts, tuple),
    "tuple[tuple[str, str], ...]": (_write_details, lambda pairs: tuple(pairs.items())),
}  # fmt: skip
_ABSENT: dict[str, Any] = {
    "bool": False, "tuple[str, ...]": (), "tuple[int, ...]": (), "tuple[tuple[str, str], ...]": (),
}  # fmt: skip
