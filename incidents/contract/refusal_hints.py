"""The hints after a refusal or a remark: what can be done instead.

A hint must not lead to another refusal. No hint closes a site, except by confirming a closure that
somebody has requested. If the right hint depends on more than the refusal's facts, the hint is
`site why`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from incidents.contract import next_steps
from incidents.contract.documents import Facts, Hint
from incidents.contract.hints import do, look
from incidents.contract.next_steps import contact
from incidents.machine import commands as c
from incidents.machine.command import REACHED
from incidents.machine.refusal import CUSTOMERS
from incidents.values.ids import read_incident_id


class _UnknownFactError(Exception):
    """A needed fact is missing, because the server runs another version."""


def _fact(facts: Facts, name: str) -> object:
    """The fact of that name; raises _UnknownFactError if it is missing."""
    if name not in facts:
        raise _UnknownFactError(name)
    return facts[name]


def _text(facts: Facts, name: str) -> str:
    """The fact of that name; raises _UnknownFactError if it is missing or is not text."""
    found = _fact(facts, name)
    if not isinstance(found, str):
        raise _UnknownFactError(name)
    return found


def _why(facts: Facts) -> list[Hint]:
    return [look("why", _text(facts, "site"))]


def _show(facts: Facts) -> list[Hint]:
    return [look("show", _text(facts, "incident"))]


def _lift(facts: Facts) -> list[Hint]:
    return [do(c.LiftHold, _text(facts, "site"))]


def _order(facts: Facts) -> list[Hint]:
    return [look("order", _text(facts, "order"))]


def _accounts(_: Facts) -> list[Hint]:
    return [look("accounts")]


def _queue(_: Facts) -> list[Hint]:
    return [look("queue")]


def _filing_fields(_: Facts) -> list[Hint]:
    return [look("filing_fields")]


def _again(facts: Facts, *another: Hint) -> list[Hint]:
    """Log another violation; if that would close the site (R1), show the count instead.

    A server of an older version does not report whether another violation would close the site.
    """
    return _why(facts) if facts.get("closes") else [*another]


def _double_entry(facts: Facts) -> list[Hint]:
    """Show the recorded violation first, because another violation or a recurrence also counts.

    A report is joined instead: several of one finding are one violation. A server of an older
    version does not report whether a recurrence is possible.
    """
    if "report" in facts:
        joined = f"{_text(facts, 'report')} {_text(facts, 'incident')}"
        return [look("join_report", joined), *_show(facts)]
    found = [do(c.Log, _text(facts, "site"), urls=_text(facts, "url"), again="true")]
    if facts.get("may_recur"):
        found.insert(0, do(c.Recur, _text(facts, "incident")))
    return [*_show(facts), *_again(facts, *found)]


def _unknown_contact(facts: Facts) -> list[Hint]:
    """Show the incident that has the contacts.

    If the given ID is mistyped, show the incident that it begins with.
    """
    if "given" not in facts:
        return _show(facts)
    begun = "-".join(_text(facts, "given").strip().split("-")[:2])
    return [look("show", begun if read_incident_id(begun) else "")]


def _unknown_incident(facts: Facts) -> list[Hint]:
    """Explain the site if a site's name was given in place of an incident's ID."""
    given = facts.get("given")
    return [look("why", given)] if isinstance(given, str) and "." in given else [look("sites")]


def _unknown_site(facts: Facts) -> list[Hint]:
    """Add a site that was to be logged, unless the name resembles another, or an ID (`12-x`).

    Every other command is for a site of the register. An older server does not say which it was.
    """
    site = _text(facts, "site")
    is_searched = "nearest" in facts and facts.get("searched") is not False
    is_new = bool(facts.get("logs")) and is_searched and not _LIKE_ID.fullmatch(site)
    return [do(c.AddSite, site)] if is_new else [look("sites")]


_LIKE_ID = re.compile(r"\d+(-[^.]*)?")


def _nothing_to_take_back(facts: Facts) -> list[Hint]:
    """Void the last contact if there is one, otherwise the incident; decline a mere request.

    Voiding an incident cannot be undone.
    """
    if facts.get("asked_by"):
        return [do(c.DeclineClosure, _text(facts, "site"), reason=None)]
    if facts.get("contact"):
        return [do(c.VoidContact, _text(facts, "contact")), *_show(facts)]
    return [do(c.VoidIncident, _text(facts, "incident"))]


def _nothing_covered(facts: Facts) -> list[Hint]:
    """Sign the log, if a new checkpoint would cover some of the entries."""
    return [look("sign_log")] if _fact(facts, "uncovered") else []


def _nothing_signed(facts: Facts) -> list[Hint]:
    """Sign the log, after making a key if there is none.

    A server does not report whether there is a key.
    """
    return [*([look("new_log_key")] if _fact(facts, "needs_key") else []), look("sign_log")]


def _to_be_called(incident: str) -> list[Hint]:
    return [contact(incident, REACHED), contact(incident, "no-answer")]


OF_REFUSALS: dict[str, Callable[[Facts], list[Hint]]] = {
    "account_exists": _accounts,
    "active_already": lambda _: [look("policy")],
    "already_held": _why,
    "already_requested": _why,
    "closure_asked": lambda facts: next_steps.to_closure(_text(facts, "site")),
    "disabled_account": lambda facts: [look("enable_account", _text(facts, "handle"))],
    "double_entry": _double_entry,
    "held": _why,
    "no_closure_asked": _why,
    "no_number": lambda facts: [
        do(c.ChangeFiling, _text(facts, "site"), public_security_number=None),
    ],
    "no_request": _why,
    "no_taker": _accounts,
    "not_of_role": lambda facts: [look("change_role", _text(facts, "handle"))],
    "not_signed_in": lambda _: [look("new_token")],
    "nothing_to_take_back": _nothing_to_take_back,
    "nothing_covered": _nothing_covered,
    "nothing_signed": _nothing_signed,
    "order_dead": _order,
    "report_led_there": lambda facts: [
        look("join_report", f"{_text(facts, 'report')} {_text(facts, 'incident')}"),
        *_show(facts),
    ],
    "order_in_hand": _order,
    "order_not_dead": _order,
    "order_of_hold": _lift,
    "other_role": lambda facts: [look("change_role", _text(facts, "handle"))],
    "overtaken": lambda facts: [
        do(c.CancelOrder, _text(facts, "order")),
        look("compare", _text(facts, "site")),
    ],
    "recurred_already": lambda facts: [
        *_to_be_called(_text(facts, "recurrence")),
        *_again(facts, do(c.Recur, _text(facts, "incident"), again="true")),
    ],
    "report_settled": lambda facts: [look("reopen_report", _text(facts, "report"))],
    "second_not_in": _accounts,
    "site_closed": _why,
    "site_exists": lambda facts: [do(c.EditSite, _text(facts, "site"), phone=None)],
    "unknown_account": _accounts,
    "unknown_contact": _unknown_contact,
    "unknown_detail": _filing_fields,
    "unknown_field": _filing_fields,
    "unknown_incident": _unknown_incident,
    "unknown_invitation": lambda _: [look("invitations")],
    "unknown_item": _queue,
    "unknown_order": lambda _: [look("orders")],
    "unknown_session": lambda _: [look("sessions")],
    "unknown_site": _unknown_site,
    "unknown_task": _queue,
    "unknown_token": lambda _: [look("tokens")],
}
"""Hints by the refusal's name; for other refusals, the sentence itself says everything."""

BY_STATE: dict[str, Callable[[str], list[Hint]]] = {
    "open": _to_be_called,
    "unreached": _to_be_called,
    "removed": lambda incident: [look("show", incident)],
    "refused": lambda incident: [look("show", incident)],
    "moot": lambda incident: [do(c.VoidIncident, incident)],
}
"""Hints for when an incident's state forbids the action, by that state."""

OF_REMARKS: dict[str, Callable[[Facts], list[Hint]]] = {
    "incident_stays": lambda facts: [
        do(c.VoidIncident, _text(facts, "incident"))
        if facts["cause"] == "logged"
        else look("show", _text(facts, "incident"))
    ],
    "report_may_be_ours": lambda facts: [look("reopen_report", _text(facts, "report"))],
    "report_not_about": lambda facts: [look("reopen_report", _text(facts, "report"))],
    "too_late": lambda facts: [
        do(c.RecordContact, _text(facts, "incident"), outcome=REACHED, at=None)
    ],
}
"""Hints by the remark's name."""


def of_refusal(name: str, facts: Facts) -> list[Hint]:
    """Alternatives to a refused command, as hints, the likeliest first.

    The list is empty if a fact is missing, which happens when the server runs another version.
    """
    try:
        return _of_refusal(name, facts)
    except _UnknownFactError:
        return []


def of_remark(name: str, facts: Facts) -> list[Hint]:
    """Hints after an action whose answer has this remark."""
    found = OF_REMARKS.get(name)
    return found(facts) if found else []


def _of_refusal(name: str, facts: Facts) -> list[Hint]:
    if name == "state_forbids" and _text(facts, "act") != CUSTOMERS:
        if facts.get("deadline"):
            return [do(c.TakeBack, _text(facts, "incident"), reason=None), *_show(facts)]
        ways = BY_STATE.get(_text(facts, "state"))
        return ways(_text(facts, "incident")) if ways else []
    if facts.get("nearest") or (name == "unknown_task" and "by" in facts):
        # It was meant for something else, which the sentence names; or it is done.
        return []
    found = OF_REFUSALS.get(name)
    return found(facts) if found else []
