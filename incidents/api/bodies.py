"""The bodies: what the request of an act holds, and how it becomes the desk's command.

Both follow from the act's row and the fields of its command (`contract`).
"""

from __future__ import annotations

from typing import Annotated, Any

import pydantic
from pydantic import create_model

from incidents.api import filing_change, forms
from incidents.contract.action import SITE, Action
from incidents.contract.fields import LABELS, Field
from incidents.errors import UnknownTaskError
from incidents.machine import commands as c
from incidents.values import inputs
from incidents.values.fact import Choice, Words

Of = Any
"""What follows the site in what an act is done to: nothing, a number, or several."""

_BODIES: dict[str, type[forms.Form]] = {}
_CONFIRM = Annotated[str, pydantic.Field(max_length=300)]
_URLS = list[Annotated[str, pydantic.Field(max_length=4_096)]]


def body(action: Action) -> type[forms.Form]:
    """The form of its request; acts of one body share it."""
    if action.command is c.ChangeFiling:
        return forms.Filed
    found = _BODIES.get(action.body.name)
    if found is None:
        made: dict[str, Any] = {action.called(each): _field(each) for each in action.asked}
        if action.closes:
            made["confirm"] = (_CONFIRM | None, None)
        found = _BODIES[action.body.name] = create_model(
            action.body.name, __base__=forms.Form, __doc__=action.body.summary, **made
        )
    return found


def command(action: Action, by: str, to: str, words: forms.Form) -> tuple[str | int, c.Command]:
    """The site, and the command for it, that `words` ask for.

    Raises:
        RefusedError, InputError: naming what was given and cannot be taken.
    """
    site, of = target(action.of, to)
    if isinstance(words, forms.Filed):
        return site, filing_change.command(by, words)
    given: dict[str, Any] = {"by": by, **action.fixed, **_named(action, of)}
    for each in action.asked:
        name = action.called(each)
        given |= _value(each, name, getattr(words, name))
    return site, action.command(**given)


def target(what: str, to: str) -> tuple[str | int, Of]:
    """The site, and what follows it in an id; raises RefusedError of what is none."""
    if what == SITE:
        return inputs.site(to), None
    site, *rest = getattr(inputs, what)(to)
    return site, rest[0] if len(rest) == 1 else rest


def _named(action: Action, of: Of) -> dict[str, Any]:
    """The fields of a command that say what it is done to."""
    if action.command is c.CompleteTask:
        if not of.startswith("t"):
            raise UnknownTaskError(given=of)
        return {"task": int(of[1:])}
    match action.of:
        case "incident" | "item":
            return {action.of: of}
        case "contact":
            return {"incident": of[0], "contact": of[1]}
        case "order":
            return {"order": of[0], "lane": of[1]}
    return {"incident": None} if action.command is c.RecordContact else {}


def _field(field: Field) -> tuple[Any, Any]:
    """Its type in the form, and its default."""
    default = ... if field.required else field.default
    if field.name == "urls":
        return _URLS, pydantic.Field([], max_length=inputs.MAX_URLS)
    found: Any = field.type
    if field.is_time:
        found = forms.Time
    elif isinstance(field.fact, Words):
        found = Annotated[str, pydantic.Field(max_length=field.fact.limit)]
    elif isinstance(field.fact, Choice):
        extra: dict[str, Any] = {"enum": list(field.fact.codes)}
        found = Annotated[str, pydantic.Field(max_length=20, json_schema_extra=extra)]
    return (found | None if default is None else found), default


def _value(field: Field, name: str, given: Any) -> dict[str, Any]:
    """The fields of the command that it becomes."""
    if field.name == "urls":
        kept = inputs.urls(given)
        return {"urls": kept.urls, "written": kept.written}
    if field.is_time:
        return {field.name: forms.at(given)}
    if isinstance(field.fact, Words):
        limit = field.fact.limit
        return {field.name: forms.words(LABELS.get(name, name), given, limit)}
    return {field.name: given}
