"""The documents: what views return, for the command line, the API and its clients alike.

Times are RFC 3339 in UTC; what people wrote is null where it has been erased.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from incidents.contract.hints import Hint, typed

SiteState = Literal["active", "suspended", "closed"]
IncidentState = Literal["open", "notified", "unreached", "removed", "refused", "voided", "moot"]


D = TypeVar("D")


class Document:
    """What all documents have in common: they hold what is said here, and nothing else."""

    __slots__ = ()
    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012 - as the library asks for it


@dataclass(frozen=True, slots=True, kw_only=True)
class ToClose(Document):
    """What a site is to be closed for, once a second person says so: an incident (R5), or a filed
    detail (R4)."""

    rule: str
    incident: str | None
    field: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing(ToClose):
    """A closure that waits for a second person, and who asked for it."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item(Document):
    """Something that must be done. `about` are its incidents, `unsettled` those that can still be
    said to be removed or still there; `filing` is what of a filing it is about, as codes.

    `left_s` are the seconds until it is due; `attempts` the contacts on record; `site_down`: it is
    suspended or closed. Of a closure, `withheld` says that it is not in force; `closing` waits for
    a second person, and `to_close` is what this item would close it for.
    """

    id: str
    kind: str
    site: str
    state: SiteState
    in_force: SiteState
    rule: str | None
    incident: str | None
    about: list[str]
    about_states: list[str | None]
    unsettled: list[str]
    filing: list[str]
    due: str | None
    overdue: bool
    left_s: int | None
    recorded_at: str
    claimed_by: str | None
    claimed_at: str | None
    phone: str | None
    person: str | None
    email: str | None
    urls: list[str]
    urls_total: int
    category: str | None
    note: str | None
    said_gone: bool
    remark: str | None
    attempts: int
    site_down: bool
    held: bool
    withheld: bool
    asked_by: str | None
    closing: Closing | None
    to_close: ToClose | None
    warning: str | None
    say: str
    hints: Sequence[Hint]

    @property
    def first_of_two(self) -> str | None:
        """Who asked for what waits for a second person."""
        return self.asked_by or (None if self.closing is None else self.closing.by)


def told(item: Item) -> dict[str, Any]:
    """An item for programs: its hints are also `commands` to type, `next` the likeliest."""
    commands = [typed(each) for each in item.hints]
    return {**plain(item), "next": commands[0], "commands": commands}


def read(kind: type[D], told: Mapping[str, Any]) -> D:
    """The document of which a server has told, of which parts may be read already; what a newer one
    tells besides is left out.

    Raises:
        KeyError: of what an older one does not tell.
    """
    hints: dict[str, Any] = _hints(kind)  # type: ignore[arg-type]  # a class can be hashed
    return kind(**{name: _value(hint, told[name]) for name, hint in hints.items()})


def _value(hint: Any, told: Any) -> Any:
    for each in (hint, *get_args(hint)):
        if is_dataclass(each) and isinstance(each, type):
            if isinstance(told, Mapping):
                return read(each, told)
            return None if told is None else [_one(each, one) for one in told]
    return told


def _one(kind: type[D], told: Any) -> D:
    return told if isinstance(told, kind) else read(kind, told)


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind)


_PLAIN = (str, int, float, type(None))


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    return tuple(each.name for each in fields(kind))  # type: ignore[arg-type]  # a dataclass


def plain(document: Any) -> Any:
    """A document as JSON has it."""
    if isinstance(document, _PLAIN):
        # Nearly all that a page of the queue has: nothing else is asked of it.
        return document
    if is_dataclass(document):
        names = _names(type(document))  # type: ignore[arg-type]  # a class can be hashed
        return {name: plain(getattr(document, name)) for name in names}
    if isinstance(document, dict):
        return {name: plain(value) for name, value in document.items()}
    return list(map(plain, document)) if isinstance(document, list | tuple) else document
