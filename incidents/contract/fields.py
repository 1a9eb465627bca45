"""The fields of a command: what an act asks for, read from the annotations of its class."""

from __future__ import annotations

from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from incidents.machine.command import Choice, Command, Replayed, Seen, Words

Fact = Words | Choice | Seen | Replayed

LABELS = {
    "phone": "phone number", "email": "e-mail address", "person": "person's name",
    "field": "field's name", "ref": "reference", "text": "note",
}  # fmt: skip
"""What a field of words is called where it is refused, if it is not its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `type` without None, which it may be if `optional`; its default, and its fact."""

    name: str
    type: Any
    default: Any
    optional: bool = False
    fact: Fact | None = None

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is MISSING

    @property
    def is_time(self) -> bool:
        """Whether it is the time of a fact; not given, it is now."""
        return isinstance(self.type, type) and issubclass(self.type, datetime)


def fields_of(kind: type[Command]) -> tuple[Field, ...]:
    """The fields of a command in their order, without who gives it."""
    return _of(kind).fields


def personal(kind: type[Command]) -> tuple[str, ...]:
    """The fields that are people's own words: they are sealed in the record."""
    return _of(kind).personal


def seen(kind: type[Command]) -> tuple[str, ...]:
    """The fields that say what was seen, and are no part of what is asked."""
    return _of(kind).seen


@dataclass(frozen=True, slots=True)
class _Known:
    fields: tuple[Field, ...]
    personal: tuple[str, ...]
    seen: tuple[str, ...]


def _of(kind: type[Command]) -> _Known:
    return _read(kind)  # type: ignore[arg-type]  # a class can be hashed


@cache
def _read(kind: type[Command]) -> _Known:
    hints = get_type_hints(kind, include_extras=True)
    found = tuple(
        _field(each.name, hints[each.name], each.default)
        for each in fields(kind)
        if each.name != "by"
    )
    facts = [(each.name, each.fact) for each in found]
    return _Known(
        found,
        personal=tuple(n for n, fact in facts if isinstance(fact, Words) and fact.personal),
        seen=tuple(n for n, fact in facts if isinstance(fact, Seen)),
    )


def _field(name: str, hint: Any, default: Any) -> Field:
    optional = get_origin(hint) in (Union, UnionType)
    if optional:
        [hint] = (each for each in get_args(hint) if each is not NoneType)
    plain, fact = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    return Field(name=name, type=plain, default=default, optional=optional, fact=fact)
