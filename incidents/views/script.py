"""The script: what an operator says or does next about an item of the queue, and what they type.

Pure text out of an item's document; times are told as the time that is left, so that a sentence
read out on the phone is true in any zone.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from incidents.machine.policy import Policy, write_duration
from incidents.words import TERMS, rule, span

Document = dict[str, Any]

Script = tuple[str, list[str]]
"""What to say or do, and the commands that fit, the likeliest first."""

_REMARK = 300
"""So many characters of a customer's remark are told; the item has all of it."""

_OUTCOMES = ("reached", "no-answer", "wrong-number", "bounced", "left-message")


def script(item: Document, policy: Policy) -> Script:
    """The script of an item, with its `say` and its commands."""
    return _SCRIPTS[item["kind"]](item, policy)


def _call(item: Document, policy: Policy) -> Script:
    say = (
        f"{_phone(item)} Say: “Your site {item['site']} shows {_what(item)}. Please delete it at"
        " once and tell us when it is gone.”"
    )
    if item["left_s"] is None:
        return f"{say} No clock runs for this one.", _contact(item)
    if item["overdue"]:
        cost = "only a call that was made by the deadline still counts, with --at and its time"
    elif item["site_down"]:
        cost = "the site is down already, so a miss adds no second suspension"
    elif item["warning"]:
        cost = f"if nobody is reached, the site is closed: {TERMS}"
    elif policy.min_attempts > item["attempts"]:
        cost = f"the policy asks for {policy.min_attempts} attempts before the site is suspended"
    else:
        cost = (
            f"if nobody is reached, the site is suspended for {write_duration(policy.suspend_for)}"
        )
    return f"{say} {_left(item)}: {cost}. {_ONLY_THE_PERSON}", _contact(item)


_DOWN = "The site is down and"


def _keep_calling(item: Document, _policy: Policy) -> Script:
    down = _DOWN if item["site_down"] else "The deadline is past and"
    if item["site_down"] and item["in_force"] != item["state"]:
        down = f"The site is to be down ({item['in_force']} is in force) and"
    return (
        (
            f"{down} nobody has been told. {_phone(item)} Say: “Your site {item['site']} shows"
            f" {_what(item)}. Please delete it and tell us when it is gone.” If somebody was"
            " reached before the deadline after all, say when with --at."
        ),
        _contact(item),
    )


def _check_removal(item: Document, _policy: Policy) -> Script:
    name = item["id"]
    say = f"Look whether the content{_addresses(item)} is gone. Gone: removed."
    if item["left_s"] is not None:
        say = f"{_left(item)} for the customer to delete. {say}"
    commands = [f"incidents removed {name}"]
    if item["state"] == "closed":
        return say, commands
    say += " Still there, and the customer does not delete: refused, which closes the site (R5)."
    return say, [*commands, f"incidents refused {name}", f"incidents recur {name}"]


def _tell(item: Document, _policy: Policy) -> Script:
    say = (
        f"{_phone(item)} Say: “Your site {item['site']} is closed ({rule(item['rule'])}):"
        f" {TERMS}.” It rests on {_names(item)}."
    )
    return say, [
        f"incidents done {item['id']} --outcome told",
        f"incidents site why {item['site']}",
    ]


def _recheck(item: Document, _policy: Policy) -> Script:
    say = f"{_word(item)}Look again at {_names(item)}{_addresses(item)}. Gone: removed."
    unsettled = item["unsettled"]
    commands = [f"incidents removed {name}" for name in unsettled[:1]]
    if item["said_gone"]:
        # What comes of it then is its own item's, which may be to call: nothing has stopped.
        say += f" Still there: done, with what you saw; {_names(item)} itself stays in the queue."
        return say, [*commands, f"incidents done {item['id']} --outcome still-there"]
    if item["state"] != "closed":
        say += " Still there: recur, a new violation with a clock of its own."
        commands += [f"incidents recur {name}" for name in unsettled[:1]]
    return f"{say} All looked at: done.", [*commands, f"incidents done {item['id']}"]


def _review(item: Document, _policy: Policy) -> Script:
    names = item["about"]
    say = (
        f"A supervisor looks at {_names(item)}: its record has been corrected more than once, and"
        " each correction can start a new hour."
    )
    return say, [*(f"incidents show {name}" for name in names), f"incidents done {item['id']}"]


def _disputed(item: Document, _policy: Policy) -> Script:
    site = item["site"]
    say = (
        f"A supervisor decides: what closed {site} ({rule(item['rule'])}) no longer holds by the"
        " record. Uphold lets the closure stand; reinstate asks that the site be opened again"
        f"{_once_unheld(item)}."
    )
    reinstate = [] if item["held"] else [f"incidents site reinstate {site} --reason R"]
    return say, [
        f"incidents site uphold {site} --reason R",
        *reinstate,
        f"incidents site why {site}",
    ]


def _reinstatement(item: Document, _policy: Policy) -> Script:
    site, by = item["site"], item["asked_by"]
    say = f"{by} asks that {site} be opened again{_why(item)}. Another person than {by} decides."
    decline = [f"incidents site decline {site} --reason R", f"incidents site why {site}"]
    if item["held"]:
        # Nothing is proposed that would be refused.
        return f"{say} They can say yes once the hold is lifted.", decline
    return say, [f"incidents site approve {site}", *decline]


def _closure(item: Document, _policy: Policy) -> Script:
    site, by, to_close = item["site"], item["asked_by"], item["to_close"]
    what = to_close["incident"] or f"false: {to_close['field']}"
    say = (
        f"{by} asks that {site} be closed ({rule(to_close['rule'])}, {what}){_why(item)}. It is to"
        f" be closed at once: another person than {by} confirms it or declines it now."
    )
    return say, [
        f"incidents site confirm-closure {site}",
        f"incidents site decline-closure {site} --reason R",
        f"incidents site why {site}",
    ]


_SCRIPTS: dict[str, Callable[[Document, Policy], Script]] = {
    "call": _call,
    "keep_calling": _keep_calling,
    "check_removal": _check_removal,
    "tell": _tell,
    "recheck": _recheck,
    "review": _review,
    "disputed": _disputed,
    "reinstatement": _reinstatement,
    "closure": _closure,
}
_ONLY_THE_PERSON = (
    "Only speaking to the responsible person stops the clock; record every other attempt too."
)


def _contact(item: Document) -> list[str]:
    return [f"incidents contact {item['id']} {outcome}" for outcome in _OUTCOMES]


def _phone(item: Document) -> str:
    whom = item["person"] or "the responsible person"
    if item["phone"]:
        return f"Phone {whom}, {item['phone']}."
    if item["email"]:
        return f"No phone is on file for {whom}: write to {item['email']} and look for a number."
    return (
        f"Nothing is on file to reach {whom} by: look for a number"
        f" (incidents site edit {item['site']} --phone P)."
    )


def _what(item: Document) -> str:
    what = f"violating content ({item['category']})" if item["category"] else "violating content"
    return f"{what}{_addresses(item)}"


def _addresses(item: Document) -> str:
    more = item["urls_total"] - 1
    if not item["urls"]:
        return ""
    return f" at {item['urls'][0]}" + (f" and {more} more" if more > 0 else "")


def _names(item: Document) -> str:
    return ", ".join(item["about"]) or "what is not settled"


def _left(item: Document) -> str:
    left = timedelta(seconds=item["left_s"])
    if item["overdue"]:
        return f"OVERDUE by {span(-left)}, and nothing has enforced it yet"
    return f"{span(left)} left"


def _word(item: Document) -> str:
    """The customer's word, where it has opened the task: it has stopped no clock."""
    if not item["said_gone"]:
        return ""
    remark = " ".join((item["remark"] or "").split())
    cut = f"{remark[: _REMARK - 1]}…" if len(remark) > _REMARK else remark
    quoted = f": “{cut}”" if cut else ""
    return f"The customer says that it is gone{quoted}. "


def _once_unheld(item: Document) -> str:
    return ", once the hold is lifted" if item["held"] else ""


def _why(item: Document) -> str:
    return f" (“{item['note']}”)" if item["note"] else ""
