"""The ways out: what can be done in place of what was refused, or after a remark, as hints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from incidents.contract.action import name_of
from incidents.contract.documents import Hint
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.refusal import CUSTOMERS


@dataclass(frozen=True, slots=True)
class Way:
    """An act or a look by its name (`contract.hints`).

    `of` is the fact that holds its target, `facts` what is known besides. Where the refusal does
    not know the target there is no way.
    """

    act: str
    of: str = ""
    facts: Mapping[str, str | None] = field(default_factory=dict)


def _to(command: type[c.Command], of: str, **facts: str | None) -> Way:
    return Way(name_of(command), of, facts)


_LIFT = _to(c.LiftHold, "site")
_REINSTATEMENT = (_to(c.Approve, "site"), _to(c.Decline, "site", reason=None))
_CLOSURE = (_to(c.ConfirmClosure, "site"), _to(c.DeclineClosure, "site", reason=None))
_ASK = _to(c.AskReinstatement, "site")
_REGISTER = _to(c.AddSite, "site")
_LOG_ANOTHER = _to(c.Log, "site", again="true")
_TOLD = _to(c.RecordContact, "incident", outcome=REACHED)
_UNDO, _AGAIN = _to(c.TakeBack, "incident"), _to(c.Recur, "incident")

OF_REFUSALS: dict[str, tuple[Way, ...]] = {
    "already_held": (_LIFT,),
    "already_requested": _REINSTATEMENT,
    "closure_asked": _CLOSURE,
    "double_entry": (_LOG_ANOTHER, _AGAIN),
    "held": (_LIFT,),
    "no_closure_asked": (_to(c.StateFalse, "site"),),
    "no_request": (_ASK,),
    "no_taker": (Way("accounts"),),
    "order_dead": (_to(c.RetryOrder, "order"),),
    "order_in_hand": (Way("order", "order"),),
    "order_not_dead": (Way("order", "order"),),
    "order_of_hold": (_LIFT,),
    "overtaken": (_to(c.CancelOrder, "order"), Way("compare", "site")),
    "recurred_already": (_to(c.Recur, "incident", again="true"),),
    "second_not_in": (Way("accounts"),),
    "site_closed": (_ASK,),
    "site_exists": (_to(c.EditSite, "site", phone=None),),
    "unknown_contact": (Way("show", "incident"),),
    "unknown_detail": (Way("filing_fields"),),
    "unknown_field": (Way("filing_fields"),),
    "unknown_incident": (Way("queue"),),
    "unknown_item": (Way("queue"),),
    "unknown_order": (Way("orders"),),
    "unknown_site": (_REGISTER,),
    "unknown_task": (Way("queue"),),
}
"""By the refusal's name; what is not here needs no act: its sentence says all."""

BY_STATE: dict[str, tuple[Way, ...]] = {
    "open": (_TOLD,),
    "unreached": (_TOLD,),
    "removed": (_UNDO, _AGAIN),
    "refused": (_UNDO,),
    "moot": (_to(c.VoidIncident, "incident"),),
}
"""In place of an act that an incident's state forbids, by that state."""

OF_REMARKS: dict[str, tuple[Way, ...]] = {
    "too_late": (_to(c.RecordContact, "incident", outcome=REACHED, at=None),),
}
"""By the remark's name."""


def of_refusal(name: str, facts: Mapping[str, Any]) -> list[Hint]:
    """What can be done in place of what was refused, the likeliest first."""
    if name == "state_forbids" and facts.get("act") != CUSTOMERS:
        return _hints(BY_STATE.get(str(facts.get("state")), ()), facts)
    if facts.get("nearest") or (name == "unknown_task" and "by" in facts):
        # It was meant for something else, which the sentence names; or it is done.
        return []
    return _hints(OF_REFUSALS.get(name, ()), facts)


def of_remark(name: str, facts: Mapping[str, Any]) -> list[Hint]:
    """What can be done after an act of which that was remarked."""
    return _hints(OF_REMARKS.get(name, ()), facts)


def _hints(ways: tuple[Way, ...], facts: Mapping[str, Any]) -> list[Hint]:
    return [
        Hint(act=way.act, of=str(facts.get(way.of, "")), facts=dict(way.facts))
        for way in ways
        if not way.of or facts.get(way.of)
    ]
