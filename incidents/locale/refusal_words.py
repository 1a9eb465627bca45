"""The refusals in words: the machine's, the desk's, and acts that a role does not allow.

No sentence names a command: what can be done instead is a hint (see `contract.ways_out`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from incidents.accounts import identity
from incidents.contract.actions import ACTIONS
from incidents.machine.policy import write_duration
from incidents.machine.refusal import CUSTOMERS

if TYPE_CHECKING:
    from incidents.machine.refusal import Refusal, Remark

WORDS = {
    "look": "look",
    "simulate": "simulate",
    "metrics": "metrics",
    "reveal": "see numbers and addresses in full",
    "export": "audit export",
    "give_link": "link",
    **{action.name: action.typed for action in ACTIONS},
    "retry_order": "acts retry or acts release",
    "reconcile": "acts reconcile",
    "recover": "recover",
    "activate_policy": "policy activate",
    "erase": "person erase",
    "try_alarms": "alarms test",
    "see_accounts": "account list",
    "keep_accounts": "the keeping of accounts",
    "see_sign_ins": "account sign-ins",
    "own_account": "the keeping of one's own account",
    "set_password": "account password",
    "make_token": "token make",
}
"""The command that an act is, or each of several; or what it is where it is none."""


def commands(act: str) -> list[str]:
    """Each command that the act is, or what it is where it is none."""
    return WORDS[act].split(" or ")


def words(act: str) -> str:
    """What people call that act; what is no act of the table is called as it is."""
    return WORDS.get(act, act)


def who_may(act: str) -> str:
    """Who may do that act, such as `an operator or a supervisor`."""
    *others, last = (_one(role) for role in identity.ROLES if identity.may(role, act))
    return f"{', '.join(others)} or {last}" if others else last


def _one(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


BY_THE_RULES = {
    "already_held": "{site} is held already, since {at} by {by}",
    "already_reported": "incident {incident} was reported already, at {at}: nothing is left to"
    " report",
    "already_requested": "{by} has asked for the reinstatement of {site} already: it waits for"
    " another person",
    "already_said": "that the content of {incident} is gone was said already: the desk has been"
    " told, and there is nothing more to say",
    "already_voided": "contact {contact} is voided already: there is nothing left to void",
    "bad_day": "{given!r} is no day for {field}: write one such as 2026-03-01",
    "before_incident": "{at} lies before the incident, {occurred_at}: what has to do with it"
    " cannot have happened before it; check the time",
    "before_told": "{at} lies before {told_at}, when the customer was told: nobody refuses before"
    " being asked; check the time",
    "claimed": "{item} is claimed by {by}: ask them to release it or to hand over",
    "closure_asked": "{by} has asked for the closure of {site} already: it waits for another"
    " person",
    "day_in_future": "{given} is still to come: put {field} on record when that day has begun",
    "double_entry": "incident {incident} of {site} has {url} already and is still {state}: log it"
    " as another violation if it is one, or that the content is still there after a call",
    "future": "{at} is in the future (it is {now}): a fact is logged when it has happened",
    "held": "{site} is held by order and cannot be reinstated: lift the hold first",
    "in_force_already": "{site} is {state} in the world too: there is nothing to order once more",
    "no_closure_asked": "nobody has asked for the closure of {site}: where the policy wants two"
    " people, who states a false detail or a refusal asks for it",
    "no_request": "nobody has asked for the reinstatement of {site}",
    "nobody_to_tell": "{site} has no open or unreached incident that had happened by {at}: there"
    " is nothing to tell; name an incident to record a contact on it",
    "not_claimed": "{item} is not claimed by anybody: there is nothing to release",
    "not_disputed": "the closure of {site} is not disputed: there is nothing to uphold",
    "not_lifted": "what {order} orders has not been lifted: it is carried out",
    "not_held": "{site} is not held: there is nothing to lift",
    "nothing_held": "{by} has claimed nothing on {site}: there is nothing to hand over",
    "nothing_to_take_back": "incident {incident} is {state}: only a removed or a refused can be"
    " taken back",
    "order_dead": "{order} is a dead letter already",
    "order_in_hand": "{order} is being carried out at this moment: wait until {until}, and look at"
    " what came of it",
    "order_not_dead": "{order} is no dead letter: it is tried by itself",
    "overtaken": "{order} is not what is ordered for {site} any more: it would undo what came after"
    " it",
    "recurred_already": "that the content of {incident} is still there is logged already, as"
    " {recurrence}, which is {state}: nobody has been told of that one yet; log it once more"
    " only if it is another violation",
    "same_person": "{by} asked for this: another person must answer it",
    "seen_too_early": "{site} was looked at before something else was ordered or carried out: look"
    " again",
    "site_closed": "{site} is closed ({rule}): {act} is not possible on a closed site",
    "site_exists": "{site} is in the register already",
    "site_not_closed": "{site} is {state}, not closed: there is nothing to reinstate",
    "state_forbids": "incident {incident} is {state}: {act} is possible only when it is {needs}",
    "too_many_items": "the filing would have {count} {items}, and {limit} are the most: take some"
    " away first",
    "unknown_contact": "incident {incident} has no contact {contact}",
    "unknown_detail": "a filing has no detail {field!r} (servers and documents are"
    " server.LABEL and document.LABEL, the label of a-z, 0-9 and -)",
    "unknown_incident": "there is no incident {incident}",
    "unknown_item": "the queue has no item {item}",
    "unknown_order": "no order {order} waits to be carried out or is a dead letter",
    "unknown_task": "there is no open task {task}",
}  # fmt: skip
"""What the rules refuse, as the case stands, by the refusal's name."""

DONE_ALREADY = {
    "unknown_task": "{task} is done already ({outcome}), by {by} at {at}",
    "key_reused": "{by} has given this same command with the key {key!r}, at {at}: see what came of"
    " it, since under another key it is done a second time",
}
"""The same where somebody has done what is asked for, who is named in `by`."""

BY_THE_DESK = {
    "unknown_site": "no site is called {site}{way_out}",
    "key_reused": "the key {key!r} was used for another command at {at}: take another key",
    "clock_ahead": "this machine's clock, {now}, is {ahead_s} s ahead of the database's: set it"
    " right first, or one bad clock spoils the times of the record",
    "clock_behind": "this machine's clock, {now}, is {behind_s} s behind the database's: set it"
    " right first, or one bad clock spoils the times of the record",
    "changed_meanwhile": "{site} is not as you have seen it any more: look again, then decide",
    "asked_by_anybody": "{by} asked for this before having an account here, so nobody knows who"
    " that was: decline it, and let somebody ask who signs in",
    "sign_in_needed": "this desk has accounts, and whoever asks for what takes two people, or says"
    " yes to it, signs in first: {by} has not",
    "not_let": "{by} has the role {role} here, which may not do {act}{way_out}",
    "second_needed": "by the policy in force two people close, and two people put another one in"
    " its place: a second one who may activate policies signs in beside {by}",
    "own_second": "{by} cannot be the second person to their own act: name another one",
    "second_not_in": "{second} has no account here that may come in, and is no second person",
    "second_role": "{second} has the role {role} here, which may not do {act}, and is no second"
    " person to it{way_out}",
    "password_given": "{given_by} has set {by}'s password, so until {until} {by} counts as no"
    " second person: let another one do it, or wait",
    "for_a_supervisor": "{task} shows corrections to a supervisor, and {by} is none here: a"
    " supervisor completes it",
    "no_supervisor": "{act} is a supervisor's, and {by} is none here: a supervisor does it, in"
    " their own name",
    "no_taker": "no account of this desk called {to} may come in and take items, so nobody could"
    " let go of them again: hand over to one that may",
    "bad_text": "the {what} holds the character {found}, which cannot be kept on record: take it"
    " out and try again",
    "personal_code": "the {what} looks as if it held somebody's number or address, and"
    " it is written into the record as it is: write a code there, and people's words in the note",
    "unknown_outcome": "a contact ends in one of {known}",
    "unknown_field": "no site has a detail {field!r} that could be false{way_out}",
    "unknown_audience": "a note is for one of {known}",
    "empty_text": "the {what} is empty: say it in a few words",
    "bad_item": "{field} is no server and no document: write a JSON object of texts, with its keys"
    ' in order and without spaces, such as {{"ip":"192.0.2.1"}}',
    "unfit_detail": "{field} must be {expected}: look at what was typed, and write it so",
    "filing_too_long": "the change has {size} bytes, and {limit} are the most: make it in parts",
    "bad_digest": "evidence is named by its SHA-256, 64 hexadecimal digits",
    "text_too_long": "the {what} has {length} characters, and {limit} are the most: shorten it,"
    " or attach a file with all",
    "too_many_urls": "{count} web addresses are given, and {limit} are the most for one incident:"
    " log it with some of them, and attach a file with all",
    "would_close": "this is violation {n} of {needed} in {within_s} and would close {site}, so it"
    " is not logged",
    "order_of_hold": "{site} is held by order, and {order} takes it down: lift the hold first",
    "urls_too_long": "the web addresses have {size} bytes, and {limit} are the most for one"
    " incident: log it with fewer, and attach a file with all",
}
"""What the desk refuses before the rules are asked, by the refusal's name."""

REMARKS = {
    "counted": "violation {n} of {needed} in {within_s}",
    "next_closes": "violation {n} of {needed} in {within_s}: another one by {until} closes this"
    " site",
    "next_miss_closes": "the run of {site} is {run} now: the next miss closes it (R3)",
    "others_close": "violation {n} of {needed} in {within_s}, and others are enough of them:"
    " another one by {until} closes this site",
    "too_late": "the contact on {incident} was recorded after its deadline, {due}, so it stopped no"
    " clock; if the call was made in time, record it again with the time of the call",
    "waits_for_second": "{site} is not closed yet: the policy asks for two people, and another one"
    " confirms or declines it",
    "closure_fell": "what {by} asked for, that {site} be closed, has fallen with this: nobody"
    " refuses any more, or nobody was told before they refused; a refusal that stands all the same"
    " is stated anew",
    "tell_withdrawn": "{tasks}, to tell the customer of the closure, is not in the queue while the"
    " closure is disputed",
    "tell_again": "{tasks}, to tell the customer of the closure, is in the queue again",
    "not_covered": "not covered by this call, since they happened after it: {incidents}",
    "other_host": "the address is on {hosts}, not on {site}: if you logged it on the wrong site,"
    " void it and log it on the right one",
}
"""What is told beside an act that is done."""

WAYS_OUT = {
    "moot": " (found on a closed site, it can only be voided)",
    "voided": " (a voided incident stays so)",
}
"""What is to be known of a state that forbids an act."""

_PARTS = re.compile("([0-9]+)([hms])")
_UNITS = {"h": "h", "m": "min", "s": "s"}


def sentence(refusal: Refusal, when: Callable[[datetime], str] = str) -> str:
    """The sentence for a refusal, with the way out; `when` writes its times, given in UTC."""
    facts, name = _facts(refusal, when), refusal.name
    if name in DONE_ALREADY and "by" in facts:
        return DONE_ALREADY[name].format_map(facts)
    if name in BY_THE_RULES:
        return BY_THE_RULES[name].format_map(facts) + _way_out(name, facts)
    template = BY_THE_DESK.get(name, name.replace("_", " "))
    if "act" in facts:
        facts |= {"act": words(facts["act"]), "way_out": f": {who_may(facts['act'])} may"}
    return template.format_map({"way_out": _instead(name, refusal.facts), **facts})


def remark(told: Remark, when: Callable[[datetime], str] = str) -> str:
    """The sentence for a remark; `when` as in `sentence`."""
    return REMARKS[told.name].format_map(_facts(told, when))


def span(seconds: int) -> str:
    """A policy's span of time as people write it: `24 h`, `1 h 30 min`."""
    parts = _PARTS.findall(write_duration(timedelta(seconds=seconds)))
    return " ".join(f"{n} {_UNITS[unit]}" for n, unit in parts)


def _facts(told: Refusal | Remark, when: Callable[[datetime], str]) -> dict[str, Any]:
    return {name: _fact(name, value, when) for name, value in told.facts.items()}


def _fact(name: str, value: object, when: Callable[[datetime], str]) -> str:
    if isinstance(value, datetime):
        return when(value)
    if name == "within_s" and isinstance(value, int):
        return span(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return str(value)


def _way_out(name: str, facts: dict[str, Any]) -> str:
    if name != "state_forbids" or facts["act"] == CUSTOMERS:
        return ""
    return WAYS_OUT.get(facts["state"], "")


def _instead(name: str, facts: dict[str, Any]) -> str:
    """For what is not known: the nearest names, or which there are."""
    if facts.get("nearest"):
        return f" (did you mean {' or '.join(facts['nearest'])}?)"
    return " (phone, email, person, or a detail of the filing)" if name == "unknown_field" else ""
