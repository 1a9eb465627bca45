"""An action as every surface offers it, with its fields.

The fields of an action are read from the annotations of its command. A body is the content of a
request, under its name in the API's description; several actions may share one body. The table of
all actions is in `actions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, MISSING, dataclass, field, fields, replace
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from incidents.contract import target
from incidents.machine import commands as c
from incidents.machine.command import Choice, Command, Replayed, Seen, Words

Fact = Words | Choice | Seen | Replayed

LABELS = {
    "phone": "phone number", "email": "email address", "person": "person's name",
    "field": "field's name", "ref": "reference", "text": "note",
}  # fmt: skip
"""The names of text fields in refusals, where they differ from the names in the code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of a command.

    `type` never includes None; `optional` fields also accept None. `fact` is the annotation of the
    field, if any.
    """

    name: str
    type: Any
    default: Any
    optional: bool = False
    fact: Fact | None = None

    @property
    def required(self) -> bool:
        """Whether a caller must give the field."""
        return self.default is MISSING

    @property
    def is_time(self) -> bool:
        """Whether the field is a time."""
        return isinstance(self.type, type) and issubclass(self.type, datetime)

    @property
    def is_time_of_fact(self) -> bool:
        """Whether this field is the time at which the event happened; if omitted, it is now."""
        return self.is_time and self.name == "at"


def fields_of(kind: type[Command]) -> tuple[Field, ...]:
    """The fields of a command, in order, without the person who gives the command."""
    return _known(kind).fields


def personal_fields(kind: type[Command]) -> tuple[str, ...]:
    """The fields with personal text, which is sealed in the record."""
    return _known(kind).personal


def open_words(kind: type[Command]) -> frozenset[str]:
    """The text fields that the record does not seal, so they must not be about a person."""
    return _known(kind).open


def seen_fields(kind: type[Command]) -> tuple[str, ...]:
    """The fields that say what the caller saw; they are not part of the request itself."""
    return _known(kind).seen


@dataclass(frozen=True, slots=True)
class _Known:
    fields: tuple[Field, ...]
    personal: tuple[str, ...]
    open: frozenset[str]
    seen: tuple[str, ...]


def _known(kind: type[Command]) -> _Known:
    return _read_fields(kind)  # type: ignore[arg-type]  # a class can be hashed


@cache
def _read_fields(kind: type[Command]) -> _Known:
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
        open=frozenset(n for n, fact in facts if isinstance(fact, Words) and not fact.personal),
        seen=tuple(n for n, fact in facts if isinstance(fact, Seen)),
    )


def _field(name: str, hint: Any, default: Any) -> Field:
    optional = get_origin(hint) in (Union, UnionType)
    if optional:
        [hint] = (each for each in get_args(hint) if each is not NoneType)
    plain, fact = get_args(hint) if get_origin(hint) is Annotated else (hint, None)
    return Field(name=name, type=plain, default=default, optional=optional, fact=fact)


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a request; its fields are those of the action's command."""

    name: str
    summary: str


NOTHING = Body("Nothing", "An action without further input.")

Role = Literal["viewer", "operator", "supervisor", "auditor", "integrator", "administrator"]

DESK: tuple[Role, ...] = ("operator", "supervisor")
DESK_OR_PROGRAM: tuple[Role, ...] = (*DESK, "integrator")
SUPERVISOR: tuple[Role, ...] = ("supervisor",)


@dataclass(frozen=True, slots=True)
class Ask:
    """How the command line asks for a field: the option, its placeholder, and its help.

    For a time, the help names the event, such as `the removal was found`.
    """

    help: str
    metavar: str = ""
    option: str = ""


SHARED_FIELDS = {
    "note": Ask("Note of at most 4,000 characters.", "N"),
    "reason": Ask("Reason; it goes on record.", "R"),
}
SHARED_OPTIONAL_FIELDS = {"reason": Ask("Reason.", "R")}
"""The fields that many actions share: required in `SHARED_FIELDS`, optional here."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action: its command, its target, its roles, and its fields on each surface.

    `typed`: the words that name the action on the command line; `was`: an older spelling, which
    still works. `after`: the command after which the help lists the action; without it, the action
    is listed by name in its group. `short`: the description in a list of commands. `help`: the help
    of the action itself. `summary`: the description over HTTP, if it differs from `short`. `ask`:
    how each field is entered. `path`: the end of the HTTP path, after the path of the target; an
    action without a `path` has an endpoint of its own. `batch`: the name in a batch, if it differs
    from `path`. `renamed`: the fields whose names differ in requests. `fixed`: the values of fields
    that no surface asks for. `needs`: the fields that people must give, though the command works
    without them.

    If the action `closes` the site on a person's statement, that person must confirm it with the
    site's name. A token cannot perform an action that is `in_person`. If a command has a second
    row, that row needs an `operation`.
    """

    command: type[c.Command]
    typed: str
    of: str
    _: KW_ONLY
    roles: tuple[Role, ...] = DESK
    path: str | None = None
    after: str = ""
    short: str = ""
    summary: str = ""
    help: str = ""
    ask: Mapping[str, Ask] = field(default_factory=dict)
    body: Body = NOTHING
    creates: bool = False
    closes: bool = False
    in_person: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    operation: str | None = None
    batch: str | None = None
    was: str = ""

    @property
    def word(self) -> str:
        """The name of this row alone, used in scenarios and as a method of the client."""
        return self.was or self.typed

    @property
    def name(self) -> str:
        """The action's name in the table of roles, for tokens, and in the record of refusals."""
        return name_of(self.command)

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields of the command that a person enters, besides the target."""
        return tuple(
            replace(each, default=MISSING) if each.name in self.needs else each
            for each in fields_of(self.command)
            if each.name not in target.FIELDS and each.name not in self.fixed
            if not isinstance(each.fact, Seen | Replayed)
        )

    @property
    def status(self) -> int:
        """The HTTP status of a successful answer."""
        return 201 if self.creates else 200

    def asks(self, field: Field) -> Ask:
        """How the command line asks for a field."""
        common = (
            SHARED_FIELDS
            if field.required or field.name not in SHARED_OPTIONAL_FIELDS
            else SHARED_OPTIONAL_FIELDS
        )
        return self.ask.get(field.name) or common.get(field.name) or Ask("")

    def called(self, field: Field) -> str:
        """The name of a field in a request."""
        return self.renamed.get(field.name, field.name)


def name_of(command: type[c.Command]) -> str:
    """The name of an action: `StateRefused` is `state_refused`.

    The two commands of a comparison share one name.
    """
    found = _NAMES.get(command)
    if found is None:
        spelt = (f"_{each.lower()}" if each.isupper() else each for each in command.__name__)
        found = _NAMES[command] = "".join(spelt).lstrip("_")
    return found


_NAMES: dict[type[c.Command], str] = {c.RecordState: "reconcile", c.RepeatOrder: "reconcile"}
