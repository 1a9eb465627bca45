"""The refusals in words: the machine's own, and those that the desk makes before the machine."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from incidents.accounts import act_words

if TYPE_CHECKING:
    from incidents.machine.refusals import Refusal, Remark

SENTENCES = {
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
    " its place: a second one who may activate policies signs in beside {by} (--second HANDLE,"
    " `second` in a request)",
    "own_second": "{by} cannot be the second person to their own act: name another one (--second"
    " HANDLE, `second` in a request)",
    "second_not_in": "{second} has no account here that may come in, and is no second person"
    " (account list lists them)",
    "second_role": "{second} has the role {role} here, which may not do {act}, and is no second"
    " person to it{way_out}",
    "password_given": "{given_by} has set {by}'s password, so until {until} {by} counts as no"
    " second person: let another one do it, or wait",
    "for_a_supervisor": "{task} shows corrections to a supervisor, and {by} is none here: a"
    " supervisor completes it",
    "no_supervisor": "{act} is a supervisor's, and {by} is none here: --as names the supervisor who"
    " does it",
    "no_taker": "no account of this desk called {to} may come in and take items, so nobody could"
    " let go of them again: hand over to one that may (account list lists them)",
    "bad_text": "the {what} holds the character {found}, which cannot be kept on record: take it"
    " out and try again",
    "personal_code": "the {what} looks as if it held somebody's number or address, and"
    " it is written into the record as it is: write a code there, and people's words with --note",
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
    " is not logged: send it again without unless_closing, if that is meant",
    "order_of_hold": "{site} is held by order, and {order} takes it down: lift the hold first"
    " (site unhold)",
    "urls_too_long": "the web addresses have {size} bytes, and {limit} are the most for one"
    " incident: log it with fewer, and attach a file with all",
}
"""What the desk refuses, by the refusal's name."""

REMARKS = {
    "other_host": "the address is on {hosts}, not on {site}: if you logged it on the wrong site,"
    " void it and log it on the right one",
}
"""What the desk itself remarks on an act that it takes."""


def sentence(refusal: Refusal, when: Callable[[datetime], str] = str) -> str:
    """The sentence for a refusal, with the way out; `when` writes its times, given in UTC."""
    from incidents.machine import refusals

    if refusal.name in refusals.SENTENCES:
        return refusals.text(refusal, when)
    facts: dict[str, Any] = {
        name: when(value) if hasattr(value, "tzinfo") else value
        for name, value in refusal.facts.items()
    }
    if "within_s" in facts:
        facts |= {"within_s": refusals.span(facts["within_s"])}
    template = SENTENCES.get(refusal.name, refusal.name.replace("_", " "))
    if "act" in facts:
        facts |= {"act": act_words.words(facts["act"]), "way_out": _who_may(facts["act"])}
    return template.format_map({"way_out": _instead(refusal.name, facts), **facts})


def remark(told: Remark, when: Callable[[datetime], str] = str) -> str:
    """The sentence for a remark, of the machine or of the desk; `when` as in `sentence`."""
    from incidents.machine import refusals

    if told.name in refusals.REMARKS:
        return refusals.text(told, when)
    facts = {name: _listed(value) for name, value in told.facts.items()}
    return REMARKS[told.name].format_map(facts)


def _listed(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _who_may(act: str) -> str:
    return f": {act_words.who_may(act)} may"


def _instead(name: str, facts: dict[str, Any]) -> str:
    """For what is not known: the nearest names, or where there are any."""
    if facts.get("nearest"):
        return f" (did you mean {' or '.join(facts['nearest'])}?)"
    if name == "unknown_field":
        return " (write phone, email, person, or a detail of the filing: filing fields lists them)"
    return f" (incidents site add {facts.get('site')} takes it into the register)"
