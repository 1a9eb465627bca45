"""The body of an action's request, and its conversion to a command of the desk.

The body and the command both follow from the action's row and the fields of its command
(`contract`); a change of a filing has a body of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, Self

from fastapi_problem.error import Problem
from pydantic import BaseModel, Field, ValidationError, create_model, model_validator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

from incidents import clock
from incidents.api import problems
from incidents.contract import target
from incidents.contract.action import LABELS, Action
from incidents.contract.action import Field as CommandField
from incidents.errors import InputError, UnknownTaskError
from incidents.filing import form, presets, settings
from incidents.machine import commands as c
from incidents.machine import filing
from incidents.machine.command import Choice, Words
from incidents.values import inputs
from incidents.values.json_object import JSONObject

MAX_DETAILS, MAX_PARTS = 300, 20
"""The maximum number of details that one action can change, and of parts of a server or
document."""

Short = Annotated[str, Field(max_length=100)]
Text = Annotated[str, Field(max_length=inputs.MAX_TEXT_CHARACTERS)]
Time = Annotated[
    str,
    Field(max_length=64, description="Time of the event, RFC 3339 with an offset. Default: now."),
]

Moment = Annotated[str, Field(max_length=64, description="A time in RFC 3339 with an offset.")]

_PART = {"anyOf": [{"type": "string", "maxLength": 4_000}, {"type": "null"}]}
_FILED: JSONObject = {
    "maxProperties": MAX_DETAILS,
    "additionalProperties": {
        "anyOf": [
            *_PART["anyOf"],
            {"type": "object", "maxProperties": MAX_PARTS, "additionalProperties": _PART},
        ]
    },
}
"""The schema of filed details. The caller chooses the keys, so no error may repeat a key."""


class Form(BaseModel, extra="forbid"):
    """The base of all request bodies: unknown keys are refused."""

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_unknown(cls, given: Any, validate: Callable[[Any], Self]) -> Self:
        """Refuse all unknown keys with one error, which names the known keys.

        A separate error for each of 100,000 keys would take seconds and repeat the caller's input.
        """
        if not isinstance(given, dict) or given.keys() <= cls.model_fields.keys():
            return validate(given)
        found: list[InitErrorDetails] = []
        try:
            validate({key: each for key, each in given.items() if key in cls.model_fields})
        except ValidationError as error:
            found = [_same(each) for each in error.errors(include_url=False)]
        known = ", ".join(cls.model_fields) or "none"
        unknown = PydanticCustomError("extra_forbidden", f"unknown key: this takes {known}")
        found.append(InitErrorDetails(type=unknown, input=None))
        raise ValidationError.from_exception_data(cls.__name__, found)


def _same(error: ErrorDetails) -> InitErrorDetails:
    """Copy the error, so that it can be raised again together with others."""
    again = PydanticCustomError(error["type"], error["msg"])
    return InitErrorDetails(type=again, loc=error["loc"], input=error["input"])


class Filed(Form):
    """Changes to a filing.

    `details`: texts by key; for a server or a document, an object of the changed parts. Null or an
    empty text removes a detail. `presets` are applied first; `details` override them.
    """

    details: Annotated[JSONObject, Field(json_schema_extra=_FILED)] = Field({})
    presets: list[Short] = Field([], max_length=10)


class Shift(Form):
    """The person who takes over all claimed items."""

    to: Short


def read_time(given: str | None) -> datetime | None:
    """Return the time in UTC; None for None. Raises InputError if the time has no offset."""
    return None if given is None else clock.parse_exact(given)


def optional_text(
    what: str, given: str | None, limit: int = inputs.MAX_TEXT_CHARACTERS
) -> str | None:
    """Return the text in its stored form; None for None.

    Raises:
        RefusedError: if the text cannot be stored; the message calls the text `what`.
    """
    return None if given is None else inputs.text(what, limit=limit)(given)


_BODIES: dict[str, type[Form]] = {}
_URLS = list[Annotated[str, Field(max_length=4_096)]]


def body(action: Action) -> type[Form]:
    """Return the body model of the action's request; actions with the same fields share one."""
    if action.command is c.ChangeFiling:
        return Filed
    found = _BODIES.get(action.body.name)
    if found is None:
        made: dict[str, Any] = {action.called(each): _field(each) for each in action.asked}
        if action.closes:
            made["confirm"] = (Annotated[str, Field(max_length=300)] | None, None)
        found = _BODIES[action.body.name] = create_model(
            action.body.name, __base__=Form, __doc__=action.body.summary, **made
        )
    return found


def command(action: Action, by: str, to: str, words: Form) -> tuple[str | int, c.Command]:
    """Return the site and the command of a request for the action.

    `by`: the caller's handle. `to`: the site's name, or an id. `words`: the body of the request.

    Raises:
        RefusedError, InputError: naming the value that cannot be used.
    """
    site, *parts = of = target.read(action.of, to)
    if isinstance(words, Filed):
        return site, _filing_change(by, words)
    if action.command is c.CompleteTask and not target.is_task(of):
        raise UnknownTaskError(given=parts[0])
    named = target.fields(action.command, of)
    given: dict[str, Any] = {"by": by, **action.fixed, **named}
    for each in action.asked:
        name = action.called(each)
        given |= _value(each, name, getattr(words, name))
    return site, action.command(**given)


def _field(field: CommandField) -> tuple[Any, Any]:
    """The type of the field in the form, and its default."""
    default = ... if field.required else field.default
    if field.name == "urls":
        return _URLS, Field([], max_length=inputs.MAX_URLS)
    found: Any = field.type
    if field.is_time_of_fact:
        found = Time
    elif field.is_time:
        found = Moment
    elif isinstance(field.fact, Words):
        found = Annotated[str, Field(max_length=field.fact.limit)]
    elif isinstance(field.fact, Choice):
        extra: JSONObject = {"enum": list(field.fact.codes)}
        found = Annotated[str, Field(max_length=20, json_schema_extra=extra)]
    return (found | None if default is None else found), default


def _value(field: CommandField, name: str, given: Any) -> dict[str, object]:
    """Return the command's fields for one value of the form."""
    if field.name == "urls":
        kept = inputs.urls(given)
        return {"urls": kept.urls, "written": kept.written}
    if field.is_time:
        return {field.name: read_time(given)}
    if isinstance(field.fact, Words):
        limit = field.fact.limit
        return {field.name: optional_text(LABELS.get(name, name), given, limit)}
    return {field.name: given}


_PART_NAMES = {prefix: {part.key for part in parts} for prefix, parts in form.PARTS.items()}


def _filing_change(by: str, asked: Filed) -> c.Command:
    """Return the command that changes a filing.

    Raises:
        Problem: 422 for a wrong detail; the problem does not repeat an unknown key.
        InputError: if nothing would change.
        UnknownPresetError: naming the known presets.
        RefusedError: for a text that cannot be stored.
    """
    details, parts = _presets(asked.presets), []
    if len(asked.details) > MAX_DETAILS:
        raise _wrong_detail(None, f"the limit is {MAX_DETAILS} details for one request")
    for key, given in asked.details.items():
        if not filing.is_known(key):
            raise _wrong_detail(None, "unknown detail: GET /filings/fields lists the known ones")
        if isinstance(given, dict):
            details.pop(key, None)
            parts += _parts(key, given)
        else:
            details[key] = _detail_text(key, given)
    if not (details or parts):
        raise InputError.coded(
            "no_details_to_change", "nothing to change: give details, or a preset"
        )
    return c.ChangeFiling(by=by, details=tuple(sorted(details.items())), parts=tuple(parts))


def _presets(names: list[str]) -> dict[str, str]:
    if not names:
        return {}
    extra = settings.load().presets
    return {key: text for name in names for key, text in presets.details(name, extra).items()}


def _parts(key: str, given: JSONObject) -> list[tuple[str, str, str]]:
    known = next((names for kind, names in _PART_NAMES.items() if key.startswith(kind)), None)
    if known is None:
        raise _wrong_detail(key, "this detail must be a text, not an object")
    if not given.keys() <= known:
        raise _wrong_detail(key, f"unknown part: use {', '.join(sorted(known))}")
    return [(key, name, _detail_text(key, given[name], name)) for name in sorted(given)]


def _detail_text(key: str, given: Any, *part: str) -> str:
    """The text of a detail; an empty text removes the detail."""
    if given is None or given == "":
        return ""
    if not isinstance(given, str):
        raise _wrong_detail(key, "must be a text, or null to remove it", *part)
    return inputs.text(".".join((key, *part)))(given) if given.strip() else ""


def _wrong_detail(key: str | None, detail: str, *part: str) -> Problem:
    where = ["body", "details", *([] if key is None else [key]), *part]
    return problems.invalid_request([problems.part("filed_detail", detail, *where)])
