"""The codec: how the own fields of each kind of event stand in an entry, laid out once a kind.

The keys stand in their order; what is None, False or empty is left out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from datetime import datetime, timedelta
from json.encoder import encode_basestring as quoted
from typing import Any, Generic, TypeVar

from incidents.clock import rfc3339
from incidents.machine.events import Event, Reason
from incidents.values.ids import contact_id, incident_id, order_id, task_id
from incidents.values.parsing import MisreadError

Kind = TypeVar("Kind", bound=Event | Reason)
_Write = Callable[..., str]
"""From a value to JSON (empty: left out); to a public id also by the site's id and the whole."""
_Read = Callable[[Any], Any]
"""From what JSON holds to the value; whether it was written so, writing it again tells."""

_SECOND = timedelta(seconds=1)
# These stand in the entry itself, beside its data.
_ABOVE = frozenset({field.name for field in fields(Event)} | {"rule", "site"})


class _Readers(dict[str, tuple[str, "_Read | None"]]):
    """By its key, the field and how it is read."""

    def __missing__(self, key: str) -> tuple[str, _Read | None]:
        raise MisreadError(f"its kind has no field {key[:80]!r}")


class Codec(Generic[Kind]):
    """The own fields of one kind of event, or of a reason."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self._writers: list[tuple[str, str, _Write, bool]] = []
        self._readers = _Readers()
        self._absent: dict[str, Any] = {}
        # As they are written: while a test holds the clock, what they name is another class.
        hints = {field.name: str(field.type) for field in fields(kind)}
        keyed = ((f"{name}{_suffix(hints[name])}", name) for name in _own(kind))
        for key, name in sorted(keyed):
            in_site = _stands_in_site(name, hints[name])
            write, read = _IN_SITE[name] if in_site else _TYPES[hints[name]]
            self._writers.append((name, f'"{key}":', write, in_site))
            self._readers[key] = (name, read)
            self._absent[name] = _ABSENT.get(hints[name])

    @property
    def fields(self) -> dict[str, str]:
        """The field that stands under each key, in the order of the keys."""
        return {key: name for key, (name, _) in self._readers.items()}

    def write(self, value: Kind, site_id: int) -> str:
        """The fields as one canonical JSON object.

        Raises:
            TypeError: of a value of another type than its field's.
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
        """The fields of such an object, by name.

        Raises:
            MisreadError: of a key that is no field's.
        """
        found = self._absent.copy()
        readers = self._readers
        for key, value in document.items():
            name, read = readers[key]
            found[name] = value if read is None else read(value)
        return found


def _own(kind: type[Any]) -> list[str]:
    return [field.name for field in fields(kind) if field.name not in _ABOVE]


def _suffix(hint: str) -> str:
    return "_s" if hint == "timedelta | None" else ""


def _stands_in_site(name: str, hint: str) -> bool:
    """Whether the value counts something of the site, and is written as its public id."""
    # Of an imported incident, `contact` is what came of a call, not the number of one.
    return name in _IN_SITE and (name, hint) != ("contact", "str | None")


def _write_true(_value: bool) -> str:
    return "true"


def _write_time(value: datetime) -> str:
    return f'"{rfc3339(value)}"'


def _write_seconds(value: timedelta) -> str:
    return f"{value // _SECOND}"


def _read_seconds(value: int) -> timedelta:
    return timedelta(seconds=value)


def _write_texts(value: tuple[str, ...]) -> str:
    return "[" + ",".join(map(quoted, value)) + "]" if value else ""


def _write_details(details: tuple[tuple[str, str], ...]) -> str:
    # Keys of a filing are ASCII: sorted so, they stand in the order of RFC 8785.
    pairs = [f"{quoted(key)}:{quoted(text)}" for key, text in sorted(details)]
    return "{" + ",".join(pairs) + "}" if pairs else ""


def _read_details(value: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(value.items())


def _name_incidents(numbers: tuple[int, ...], site_id: int, _whole: Any) -> str:
    names = [f'"{incident_id(site_id, n)}"' for n in numbers]
    return "[" + ",".join(names) + "]" if names else ""


def _read_incidents(value: list[str]) -> tuple[int, ...]:
    return tuple([_last_number(name) for name in value])


def _name_incident(n: int, site_id: int, _whole: Any) -> str:
    return f'"{incident_id(site_id, n)}"'


def _name_contact(n: int, site_id: int, whole: Any) -> str:
    return f'"{contact_id(site_id, whole.incident, n)}"'


def _last_number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _name_task(n: int, site_id: int, _whole: Any) -> str:
    return f'"{task_id(site_id, n)}"'


def _read_task(name: str) -> int:
    return int(name.rpartition("-t")[2])


def _name_order(n: int, site_id: int, _whole: Any) -> str:
    return f'"{order_id(site_id, n)}"'


def _read_order(name: str) -> int:
    return int(name.rpartition("-o")[2])


def _name_suspension(n: int, _site_id: int, _whole: Any) -> str:
    return f'"{n}"'


def _name_item(item: str, site_id: int, _whole: Any) -> str:
    return quoted(f"{site_id}-{item}")


def _read_item(name: str) -> str:
    return name.partition("-")[2]


_IN_SITE: dict[str, tuple[_Write, _Read]] = {
    "incident": (_name_incident, _last_number),
    "incidents": (_name_incidents, _read_incidents),
    "recurs": (_name_incident, _last_number),
    "contact": (_name_contact, _last_number),
    "task": (_name_task, _read_task),
    "order": (_name_order, _read_order),
    "suspension": (_name_suspension, int),
    "item": (_name_item, _read_item),
}
_TYPES: dict[str, tuple[_Write, _Read | None]] = {
    "str": (quoted, None),
    "str | None": (quoted, None),
    "int": (int.__repr__, None),
    "int | None": (int.__repr__, None),
    "bool": (_write_true, None),
    "datetime": (_write_time, datetime.fromisoformat),
    "datetime | None": (_write_time, datetime.fromisoformat),
    "timedelta | None": (_write_seconds, _read_seconds),
    "tuple[str, ...]": (_write_texts, tuple),
    "tuple[tuple[str, str], ...]": (_write_details, _read_details),
}
_ABSENT: dict[str, Any] = {
    "bool": False, "tuple[str, ...]": (), "tuple[int, ...]": (), "tuple[tuple[str, str], ...]": (),
}  # fmt: skip
