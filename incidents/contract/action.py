"""The action: one action as all surfaces offer it, with its fields.

The fields are read from the annotations of its command. The body is the content of a request, by
its name in the API's description; actions may share one. The table of actions is `actions`.
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
"""The names of text fields in refusals, if they differ from the fields' names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: `type` without None, which is allowed if `optional`; its default; its fact."""

    name: str
    type: Any
    default: Any
    optional: bool = False
    fact: Fact | None = None

    @property
    def required(self) -> bool:
        """Whether it is required."""
        return self.default is MISSING

    @property
    def is_time(self) -> bool:
        """Whether it is a time."""
        return isinstance(self.type, type) and issubclass(self.type, datetime)

    @property
    def is_time_of_fact(self) -> bool:
        """Whether it is the time of the fact; if omitted, the present."""
        return self.is_time and self.name == "at"


def fields_of(kind: type[Command]) -> tuple[Field, ...]:
    """The fields of a command in order, without the person who gives it."""
    return _known(kind).fields


def personal_fields(kind: type[Command]) -> tuple[str, ...]:
    """The fields with personal text, which is sealed in the record."""
    return _known(kind).personal


def open_words(kind: type[Command]) -> frozenset[str]:
    """The text fields that are not sealed in the record, and so must not be about a person."""
    return _known(kind).open


def seen_fields(kind: type[Command]) -> tuple[str, ...]:
    """The fields for what the caller saw, which are not part of the request."""
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
    """A body; its fields are those of the action's command."""

    name: str
    summary: str


NOTHING = Body("Nothing", "An action without further input.")

Role = Literal["viewer", "operator", "supervisor", "auditor", "integrator", "administrator"]

DESK: tuple[Role, ...] = ("operator", "supervisor")
DESK_OR_PROGRAM: tuple[Role, ...] = (*DESK, "integrator")
SUPERVISOR: tuple[Role, ...] = ("supervisor",)


@dataclass(frozen=True, slots=True)
class Ask:
    """How the command line takes a field: by `--option`, with a metavar and a help.

    For a time, the help describes the event, such as `the removal was found`.
    """

    help: str
    metavar: str = ""
    option: str = ""


SHARED_FIELDS = {
    "note": Ask("Note of at most 4,000 characters.", "N"),
    "reason": Ask("Reason; it goes on record.", "R"),
}
SHARED_OPTIONAL_FIELDS = {"reason": Ask("Reason.", "R")}
"""The entries of fields that many actions share; in `SHARED_OPTIONAL_FIELDS`, they are optional."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action: its command, its target, its roles, and its fields on each surface.

    `typed` are the words that name it on the command line, `was` those of an older spelling, which
    still works. The help lists it `after` that command, otherwise in the place of its name in the
    group. `short` is its description in a list of commands, `help` its own help, and `summary` its
    description over HTTP, if it differs from `short`. `ask`: how its fields are entered. `path`
    follows its target's path over HTTP; without one it has an endpoint of its own kind. `batch` is
    its name in a batch, if that differs from its path. `renamed` has the names of fields that
    differ in requests; `fixed` the fields that no surface asks for; `needs` the fields that are
    required from people, though the command works without them.

    An action that `closes` the site on a person's statement is confirmed by the site's name; a
    token cannot do an action that is done `in_person`. A second row of one command needs an
    `operation`.
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
        """The name of this row only, in scenarios and as a method of the client."""
        return self.was or self.typed

    @property
    def name(self) -> str:
        """The action's name in the table of roles, for tokens, and in the record of refusals."""
        return name_of(self.command)

    @property
    def asked(self) -> tuple[Field, ...]:
        """The fields of its command to be entered, besides its target."""
        return tuple(
            replace(each, default=MISSING) if each.name in self.needs else each
            for each in fields_of(self.command)
            if each.name not in target.FIELDS and each.name not in self.fixed
            if not isinstance(each.fact, Seen | Replayed)
        )

    @property
    def status(self) -> int:
        """The status of its answer over HTTP."""
        return 201 if self.creates else 200

    def asks(self, field: Field) -> Ask:
        """How a field is entered on the command line."""
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
    """The action's name: `StateRefused` is `state_refused`; a comparison's two commands are one."""
    found = _NAMES.get(command)
    if found is None:
        spelt = (f"_{each.lower()}" if each.isupper() else each for each in command.__name__)
        found = _NAMES[command] = "".join(spelt).lstrip("_")
    return found


_NAMES: dict[type[c.Command], str] = {c.RecordState: "reconcile", c.RepeatOrder: "reconcile"}
