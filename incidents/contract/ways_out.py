"""The ways out: what can be done in place of what was refused, or after a remark, as hints.

Nothing is proposed that closes a site or would be refused next; where that depends on more than the
refusal knows, `site why` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from incidents.contract import hints
from incidents.contract.documents import Hint
from incidents.contract.hints import contact, do, look
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.refusal import CUSTOMERS
from incidents.values.ids import read_incident_id

Facts = Mapping[str, Any]


def _why(facts: Facts) -> list[Hint]:
    return [look("why", facts["site"])]


def _show(facts: Facts) -> list[Hint]:
    return [look("show", facts["incident"])]


def _lift(facts: Facts) -> list[Hint]:
    return [do(c.LiftHold, facts["site"])]


def _order(facts: Facts) -> list[Hint]:
    return [look("order", facts["order"])]


def _accounts(_: Facts) -> list[Hint]:
    return [look("accounts")]


def _queue(_: Facts) -> list[Hint]:
    return [look("queue")]


def _filing_fields(_: Facts) -> list[Hint]:
    return [look("filing_fields")]


def _again(facts: Facts, another: Hint) -> list[Hint]:
    """To log another one; where that would close the site (R1), to look at the count instead.

    A server of before does not tell which.
    """
    return _why(facts) if facts.get("closes") else [another]


def _unknown_contact(facts: Facts) -> list[Hint]:
    """To look at the incident that has the contacts; of a mistyped id as far as it names one."""
    if "given" not in facts:
        return _show(facts)
    begun = "-".join(facts["given"].strip().split("-")[:2])
    return [look("show", begun if read_incident_id(begun) else "")]


def _unknown_site(facts: Facts) -> list[Hint]:
    """To add it, if it is a name that resembles none in the register; a number is an id."""
    is_new = "nearest" in facts and not facts["site"].isdecimal()
    return [do(c.AddSite, facts["site"])] if is_new else [look("sites")]


def _to_be_called(incident: str) -> list[Hint]:
    return [contact(incident, REACHED), contact(incident, "no-answer")]


OF_REFUSALS: dict[str, Callable[[Facts], list[Hint]]] = {
    "account_exists": _accounts,
    "active_already": lambda _: [look("policy")],
    "already_held": _why,
    "already_requested": _why,
    "closure_asked": lambda facts: hints.to_closure(facts["site"]),
    "disabled_account": lambda facts: [look("enable_account", facts["handle"])],
    # First a look at the one that is there: another one is a count more.
    "double_entry": lambda facts: [
        *_show(facts),
        *_again(facts, do(c.Log, facts["site"], urls=facts["url"], again="true")),
    ],
    "held": _why,
    "no_closure_asked": _why,
    "no_number": lambda facts: [
        do(c.ChangeFiling, facts["site"], public_security_number=None),
    ],
    "no_request": _why,
    "no_taker": _accounts,
    "not_of_role": lambda facts: [look("change_role", facts["handle"])],
    "not_signed_in": lambda _: [look("new_token")],
    "nothing_covered": lambda facts: [look("sign_log")] if facts["way_out"] else [],
    "nothing_signed": lambda _: [look("new_log_key"), look("sign_log")],
    "order_dead": _order,
    "order_in_hand": _order,
    "order_not_dead": _order,
    "order_of_hold": _lift,
    "overtaken": lambda facts: [
        do(c.CancelOrder, facts["order"]),
        look("compare", facts["site"]),
    ],
    "recurred_already": lambda facts: [
        *_to_be_called(facts["recurrence"]),
        *_again(facts, do(c.Recur, facts["incident"], again="true")),
    ],
    "second_not_in": _accounts,
    "site_closed": _why,
    "site_exists": lambda facts: [do(c.EditSite, facts["site"], phone=None)],
    "unknown_account": _accounts,
    "unknown_contact": _unknown_contact,
    "unknown_detail": _filing_fields,
    "unknown_field": _filing_fields,
    "unknown_incident": lambda _: [look("sites")],
    "unknown_item": _queue,
    "unknown_order": lambda _: [look("orders")],
    "unknown_session": lambda _: [look("sessions")],
    "unknown_site": _unknown_site,
    "unknown_task": _queue,
    "unknown_token": lambda _: [look("tokens")],
}
"""By the refusal's name; what is not here needs no act: its sentence says all."""

BY_STATE: dict[str, Callable[[str], list[Hint]]] = {
    "open": _to_be_called,
    "unreached": _to_be_called,
    "removed": lambda incident: [look("show", incident)],
    "refused": lambda incident: [look("show", incident)],
    "moot": lambda incident: [do(c.VoidIncident, incident)],
}
"""In place of an act that an incident's state forbids, by that state."""

OF_REMARKS: dict[str, Callable[[Facts], list[Hint]]] = {
    "too_late": lambda facts: [do(c.RecordContact, facts["incident"], outcome=REACHED, at=None)]
}
"""By the remark's name."""


def of_refusal(name: str, facts: Facts) -> list[Hint]:
    """What can be done in place of what was refused, the likeliest first."""
    if name == "state_forbids" and facts["act"] != CUSTOMERS:
        ways = BY_STATE.get(facts["state"])
        return ways(facts["incident"]) if ways else []
    if facts.get("nearest") or (name == "unknown_task" and "by" in facts):
        # It was meant for something else, which the sentence names; or it is done.
        return []
    found = OF_REFUSALS.get(name)
    return found(facts) if found else []


def of_remark(name: str, facts: Facts) -> list[Hint]:
    """What can be done after an act of which that was remarked."""
    found = OF_REMARKS.get(name)
    return found(facts) if found else []
