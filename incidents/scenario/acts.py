"""The acts of a scenario's steps, named as on the command line, as commands of the machine."""

from __future__ import annotations

from collections.abc import Callable

from incidents import inputs, web_address
from incidents.errors import RefusedError
from incidents.machine import commands as c
from incidents.machine import filing, policy
from incidents.machine.incident import OUTCOMES
from incidents.machine.policy import Policy, PolicyError
from incidents.scenario.fields import Fields, shown

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


def _by(fields: Fields) -> str:
    return fields.word("by") or PERSON


def _incident(fields: Fields) -> int:
    number: int = fields.needed("incident", fields.number("incident"))
    return number


def _urls(fields: Fields) -> web_address.Kept:
    try:
        return inputs.urls(fields.words("url"))
    except RefusedError as error:
        raise fields.wrong(error.message) from error


def _log(fields: Fields) -> Step:
    kept = _urls(fields)
    return c.Log(
        by=_by(fields),
        at=fields.time("occurred_at"),
        urls=kept.urls,
        written=kept.written,
        again=bool(fields.flag("again")),
    )


def _contact(fields: Fields) -> Step:
    """Without an incident it is one call for the whole site."""
    return c.RecordContact(
        by=_by(fields),
        incident=fields.number("incident"),
        outcome=fields.needed("outcome", fields.choice("outcome", OUTCOMES)),
        at=fields.time("occurred_at"),
    )


def _void_contact(fields: Fields) -> Step:
    return c.VoidContact(
        by=_by(fields),
        incident=_incident(fields),
        contact=fields.needed("contact", fields.number("contact")),
        reason=_OWN_WORDS,
    )


def _removed(fields: Fields) -> Step:
    return c.StateRemoved(by=_by(fields), incident=_incident(fields), at=fields.time("occurred_at"))


def _refused(fields: Fields) -> Step:
    return c.StateRefused(by=_by(fields), incident=_incident(fields), at=fields.time("occurred_at"))


def _recur(fields: Fields) -> Step:
    return c.Recur(by=_by(fields), incident=_incident(fields), at=fields.time("occurred_at"))


def _void(fields: Fields) -> Step:
    return c.VoidIncident(by=_by(fields), incident=_incident(fields), reason=_OWN_WORDS)


def _take_back(fields: Fields) -> Step:
    return c.TakeBack(by=_by(fields), incident=_incident(fields), reason=_OWN_WORDS)


def _false_info(fields: Fields) -> Step:
    field = fields.word("field", "phone") or ""
    if not filing.can_be_false(field):
        known = f"{', '.join(filing.CONTACT_FIELDS)} or a detail of a filing"
        raise fields.wrong(f"field must be {known}, got {shown(field)}")
    return c.StateFalse(by=_by(fields), field=field, evidence=_OWN_WORDS)


def _confirm_closure(fields: Fields) -> Step:
    return c.ConfirmClosure(by=_by(fields))


def _decline_closure(fields: Fields) -> Step:
    return c.DeclineClosure(by=_by(fields))


def _hold(fields: Fields) -> Step:
    return c.SetHold(by=_by(fields), reason=_OWN_WORDS)


def _unhold(fields: Fields) -> Step:
    return c.LiftHold(by=_by(fields), reason=_OWN_WORDS)


def _reinstate(fields: Fields) -> Step:
    return c.AskReinstatement(by=_by(fields), reason=_OWN_WORDS)


def _approve(fields: Fields) -> Step:
    return c.Approve(by=_by(fields))


def _decline(fields: Fields) -> Step:
    return c.Decline(by=_by(fields))


def _uphold(fields: Fields) -> Step:
    return c.Uphold(by=_by(fields), reason=_OWN_WORDS)


def _daemon(_fields: Fields) -> Step:
    return c.Elapse()


def _activate(fields: Fields) -> Step:
    policy_: Policy = fields.needed("policy", read_policy(fields, "policy"))
    return policy_


ACTS: dict[str, Callable[[Fields], Step]] = {
    "log": _log,
    "contact": _contact,
    "removed": _removed,
    "refused": _refused,
    "recur": _recur,
    "void": _void,
    "void-contact": _void_contact,
    "take-back": _take_back,
    "false-info": _false_info,
    "confirm-closure": _confirm_closure,
    "decline-closure": _decline_closure,
    "hold": _hold,
    "unhold": _unhold,
    "reinstate": _reinstate,
    "approve": _approve,
    "decline": _decline,
    "uphold": _uphold,
    "activate": _activate,
    "daemon": _daemon,
}
"""Each act by its name; `daemon` is `incidents daemon --once`."""
