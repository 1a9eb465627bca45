"""The acts of a scenario's steps, named as on the command line, as commands of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents import inputs
from incidents.contract.actions import of_command
from incidents.contract.fields import Field, fields_of
from incidents.errors import RefusedError
from incidents.machine import commands as c
from incidents.machine import filing, policy
from incidents.machine.policy import Policy, PolicyError
from incidents.scenario.fields import Fields, shown
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


def _given(kind: type[c.Command]) -> Callable[[Fields], Step]:
    """Reads the fields of that command; people's own words stand for nothing in a scenario."""

    def step(fields: Fields) -> Step:
        given: dict[str, Any] = {"by": fields.word("by") or PERSON}
        for each in fields_of(kind):
            if each.name in ("incident", "contact"):
                given[each.name] = _number(fields, each)
            elif each in of_command(kind).asked:
                given |= _value(fields, each)
        return kind(**given)

    return step


def _number(fields: Fields, field: Field) -> int | None:
    """Which one it is about; a call without an incident is one for the whole site."""
    number = fields.number(field.name)
    return number if field.optional else fields.needed(field.name, number)


def _value(fields: Fields, field: Field) -> dict[str, Any]:
    if field.is_time:
        return {field.name: fields.time("occurred_at")}
    if field.name == "urls":
        return _urls(fields)
    if field.type is bool:
        return {field.name: bool(fields.flag(field.name))}
    if isinstance(field.fact, Choice):
        return {field.name: fields.needed(field.name, fields.choice(field.name, field.fact.codes))}
    if field.name == "field":
        return {"field": _false_detail(fields)}
    return {field.name: _OWN_WORDS} if field.required else {}


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


_OFFERED = (
    c.Log, c.RecordContact, c.StateRemoved, c.StateRefused, c.Recur, c.VoidIncident, c.VoidContact,
    c.TakeBack, c.StateFalse, c.ConfirmClosure, c.DeclineClosure, c.SetHold, c.LiftHold,
    c.AskReinstatement, c.Approve, c.Decline, c.Uphold,
)  # fmt: skip
ACTS: dict[str, Callable[[Fields], Step]] = {
    **{of_command(kind).typed.removeprefix("site "): _given(kind) for kind in _OFFERED},
    "activate": _activate,
    "daemon": lambda _: c.Elapse(),
}
"""Each act by its name; `daemon` is `incidents daemon --once`."""
