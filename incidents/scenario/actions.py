"""The acts of a scenario's steps, named as on the command line, as commands of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.contract.action import CONTACT, INCIDENT, SITE, Action
from incidents.contract.actions import ACTIONS
from incidents.contract.fields import Field, fields_of
from incidents.errors import RefusedError
from incidents.machine import commands as c
from incidents.machine import filing, policy
from incidents.machine.policy import Policy, PolicyError
from incidents.scenario.fields import Fields, shown
from incidents.values import inputs
from incidents.values.fact import Choice

PERSON = "operator"
_OWN_WORDS = "-"

Step = c.Command | Policy
"""What a step does: a command, or a policy that becomes the active one."""


def read(fields: Fields, do: str) -> Step:
    """What the step called `do` comes to.

    Raises:
        ScenarioError: of an act that does not exist, or a field that is wrong or missing.
    """
    if do not in ACTS:
        raise fields.wrong(f"unknown act {do!r}: there are {', '.join(ACTS)}")
    return ACTS[do](fields)


def read_policy(fields: Fields, key: str) -> Policy | None:
    """A policy that stands in the file itself: what it leaves out has the documented value."""
    table = fields.table(key)
    if table is None:
        return None
    try:
        return policy.from_document(table)
    except PolicyError as error:
        raise fields.wrong(f"{key}: {error}") from error


def _given(action: Action) -> Callable[[Fields], Step]:
    """Reads the fields of that act's command, under the names that requests have for them."""

    def step(fields: Fields) -> Step:
        given: dict[str, Any] = {"by": fields.word("by") or PERSON}
        for each in fields_of(action.command):
            if each.name in ("incident", "contact"):
                given[each.name] = _number(fields, each)
            elif each in action.asked:
                given |= _value(fields, each, action.called(each))
        return action.command(**given)

    return step


def _number(fields: Fields, field: Field) -> int | None:
    """Which one it is about; a call without an incident is one for the whole site."""
    number = fields.number(field.name)
    return number if field.optional else fields.needed(field.name, number)


def _value(fields: Fields, field: Field, name: str) -> dict[str, Any]:
    if field.is_time:
        return {field.name: fields.time("occurred_at")}
    if field.name == "urls":
        return _urls(fields)
    if field.type is bool:
        return {field.name: bool(fields.flag(name))}
    if isinstance(field.fact, Choice):
        return {field.name: fields.needed(name, fields.choice(name, field.fact.codes))}
    if field.name == "field":
        return {"field": _false_detail(fields)}
    # The policy looks at no words of people: a scenario may leave them out.
    words = fields.word(name, _OWN_WORDS if field.required else None)
    return {} if words is None else {field.name: words}


def _urls(fields: Fields) -> dict[str, Any]:
    try:
        kept = inputs.urls(fields.words("url"))
    except RefusedError as error:
        raise fields.wrong(error.message) from error
    return {"urls": kept.urls, "written": kept.written}


def _false_detail(fields: Fields) -> str:
    field = fields.word("field", "phone") or ""
    if not filing.can_be_false(field):
        known = f"{', '.join(filing.CONTACT_FIELDS)} or a detail of a filing"
        raise fields.wrong(f"field must be {known}, got {shown(field)}")
    return field


def _activate(fields: Fields) -> Step:
    policy_: Policy = fields.needed("policy", read_policy(fields, "policy"))
    return policy_


_OF_CASES = (SITE, INCIDENT, CONTACT)
"""What a step is done to: queue and orders are no part of a scenario."""

ACTS: dict[str, Callable[[Fields], Step]] = {
    **{
        action.typed.removeprefix("site "): _given(action)
        for action in ACTIONS
        if action.of in _OF_CASES and action.path is not None
    },
    "activate": _activate,
    "daemon": lambda _: c.Elapse(),
}
"""Each act by its name; `daemon` is `incidents daemon --once`."""
