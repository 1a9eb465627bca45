"""The refusals and remarks: each has a name, the facts, and one sentence with the way out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incidents.machine.policy import write_duration


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that did not take effect: `name` is stable, `facts` fill the sentence."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the person should know of an act that did take effect."""

    name: str
    facts: dict[str, Any] = field(default_factory=dict)


class RefusedError(Exception):
    """Carries a refusal out of the checks of `decide`; never leaves the machine."""

    def __init__(self, name: str, **facts: Any) -> None:
        super().__init__(name)
        self.refusal = Refusal(name, facts)


SENTENCES = {
    "already_held": "{site} is held already, since {at} by {by} (site unhold lifts it)",
    "already_reported": "incident {incident} was reported already, at {at}: nothing is left to"
    " report",
    "already_requested": "{by} has asked for the reinstatement of {site} already: it waits for"
    " another person (site approve, site decline)",
    "already_said": "that the content of {incident} is gone was said already: the desk has been"
    " told, and there is nothing more to say",
    "already_voided": "contact {contact} is voided already: there is nothing left to void",
    "bad_day": "{given!r} is no day for {field}: write one such as 2026-03-01",
    "before_incident": "{at} lies before the incident, {occurred_at}: what has to do with it"
    " cannot have happened before it; check --at",
    "before_told": "{at} lies before {told_at}, when the customer was told: nobody refuses before"
    " being asked; check --at",
    "claimed": "{item} is claimed by {by}: ask them to release it or to hand over",
    "closure_asked": "{by} has asked for the closure of {site} already: it waits for another person"
    " (site confirm-closure, site decline-closure)",
    "day_in_future": "{given} is still to come: put {field} on record when that day has begun",
    "double_entry": "incident {incident} of {site} has {url} already and is still {state}: if this"
    " is another violation, say --again (recur {incident} is for content that is found still there"
    " after a call)",
    "future": "{at} is in the future (it is {now}): a fact is logged when it has happened",
    "held": "{site} is held by order and cannot be reinstated: lift the hold first (site unhold)",
    "in_force_already": "{site} is {state} in the world too: there is nothing to order once more",
    "no_closure_asked": "nobody has asked for the closure of {site} (site false-info and refused"
    " ask, where the policy wants two people)",
    "no_request": "nobody has asked for the reinstatement of {site} (site reinstate asks)",
    "nobody_to_tell": "{site} has no open or unreached incident that had happened by {at}: there"
    " is nothing to tell; name an incident to record a contact on it",
    "not_claimed": "{item} is not claimed by anybody: there is nothing to release",
    "not_disputed": "the closure of {site} is not disputed: there is nothing to uphold",
    "not_lifted": "what {order} orders has not been lifted: it is carried out",
    "not_held": "{site} is not held: there is nothing to lift",
    "nothing_held": "{by} has claimed nothing on {site}: there is nothing to hand over",
    "nothing_to_take_back": "incident {incident} is {state}: only a removed or a refused can be"
    " taken back",
    "order_dead": "{order} is a dead letter already (acts retry tries it again)",
    "order_in_hand": "{order} is being carried out at this moment: wait until {until}, and look at"
    " what came of it (acts show)",
    "order_not_dead": "{order} is no dead letter: it is tried by itself (acts show says when)",
    "overtaken": "{order} is not what is ordered for {site} any more: it would undo what came after"
    " it (acts cancel settles it; acts reconcile compares {site} with the world)",
    "recurred_already": "that the content of {incident} is still there is logged already, as"
    " {recurrence}, which is {state}: nobody has been told of that one yet; if this is another"
    " violation, say --again",
    "same_person": "{by} asked for this: another person must answer it",
    "seen_too_early": "{site} was looked at before something else was ordered or carried out: look"
    " again",
    "site_closed": "{site} is closed ({rule}): {act} is not possible on a closed site"
    " (site reinstate asks for it to be opened again)",
    "site_exists": "{site} is in the register already (site edit changes its details)",
    "site_not_closed": "{site} is {state}, not closed: there is nothing to reinstate",
    "state_forbids": "incident {incident} is {state}: {act} is possible only when it is {needs}",
    "too_many_items": "the filing would have {count} {items}, and {limit} are the most: take some"
    " away first",
    "unknown_contact": "incident {incident} has no contact {contact} (show {incident} lists them)",
    "unknown_detail": "a filing has no detail {field!r} (filing fields lists them; servers and"
    " documents are server.LABEL and document.LABEL, the label of a-z, 0-9 and -)",
    "unknown_incident": "there is no incident {incident} (site why lists a site's incidents)",
    "unknown_item": "the queue has no item {item} (queue lists them)",
    "unknown_order": "no order {order} waits to be carried out or is a dead letter (acts list lists"
    " them, and site why tells what became of the others)",
    "unknown_task": "there is no open task {task} (queue lists them)",
}  # fmt: skip

REMARKS = {
    "counted": "violation {n} of {needed} in {within_s}",
    "next_closes": "violation {n} of {needed} in {within_s}: another one by {until} closes this"
    " site",
    "next_miss_closes": "the run of {site} is {run} now: the next miss closes it (R3)",
    "others_close": "violation {n} of {needed} in {within_s}, and others are enough of them:"
    " another one by {until} closes this site",
    "too_late": "the contact on {incident} was recorded after its deadline, {due}, so it stopped no"
    " clock; if the call was made in time, record it again with --at and the time of the call",
    "waits_for_second": "{site} is not closed yet: the policy asks for two people, and another one"
    " confirms it (site confirm-closure {site}) or declines it (site decline-closure {site})",
    "closure_fell": "what {by} asked for, that {site} be closed, has fallen with this: nobody"
    " refuses any more, or nobody was told before they refused; a refusal that stands all the same"
    " is stated anew (refused)",
    "tell_withdrawn": "{tasks}, to tell the customer of the closure, is not in the queue while the"
    " closure is disputed",
    "tell_again": "{tasks}, to tell the customer of the closure, is in the queue again",
    "not_covered": "not covered by this call, since they happened after it: {incidents}",
}


_TOLD = " (contact {incident} reached records that the customer was told)"

WAYS_OUT = {
    "open": _TOLD,
    "unreached": _TOLD,
    "removed": " (take-back {incident} undoes that, recur {incident} logs content that is there"
    " again)",
    "refused": " (take-back {incident} undoes that)",
    "moot": " (found on a closed site, it can only be voided)",
    "voided": " (a voided incident stays so: log is for another violation)",
}
"""What can be done in place of an act that an incident's state forbids, by that state."""

_PARTS = re.compile("([0-9]+)([hms])")
_UNITS = {"h": "h", "m": "min", "s": "s"}

CUSTOMERS = "this"
"""What the act is called that is the customer's own, who has no command to go on with."""


def text(told: Refusal | Remark, when: Callable[[datetime], str] = str) -> str:
    """The sentence for a refusal or remark; `when` writes the times in it (given in UTC)."""
    facts = {name: _fact(name, value, when) for name, value in told.facts.items()}
    return (SENTENCES | REMARKS)[told.name].format_map(facts) + _way_out(told.name, facts)


def span(seconds: int) -> str:
    """A policy's span of time as people write it: `24 h`, `1 h 30 min`."""
    parts = _PARTS.findall(write_duration(timedelta(seconds=seconds)))
    return " ".join(f"{n} {_UNITS[unit]}" for n, unit in parts)


def _way_out(name: str, facts: dict[str, str]) -> str:
    if name != "state_forbids" or facts["act"] == CUSTOMERS:
        return ""
    return WAYS_OUT.get(facts["state"], "").format_map(facts)


def _fact(name: str, value: object, when: Callable[[datetime], str]) -> str:
    if isinstance(value, datetime):
        return when(value)
    if name == "within_s" and isinstance(value, int):
        return span(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)
