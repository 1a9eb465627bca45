"""What an event says to people: one sentence for each kind, without its time and its person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from incidents.words import Document, Teller, counted, rule

OUTCOMES = {
    "reached": "the responsible person was reached",
    "no-answer": "nobody answered",
    "wrong-number": "the number was wrong",
    "bounced": "the e-mail bounced",
    "left-message": "a message was left with somebody else",
}

NOTES = {"desk": "a note for the desk", "customer": "a note to the customer"}
"""A note, by its audience."""

TASKS = {
    "tell": "phone the customer and tell them that the site is closed",
    "recheck": "look whether the content is gone",
    "review": "a supervisor should look at these corrections",
}

WHY_NOT = {
    "lifted": "lifted since",
    "expired": "too late for it to be news",
    "no_channel": "no channel is set up",
    "no_address": "no address is on file",
    "settled": "settled since",
    "by_hand": "somebody has decided so",
    "repeated": "it is ordered once more",
    "overtaken": "what was ordered after it is carried out",
}
"""Why an order was cancelled."""

_IN_THE_WORLD = {"suspend": "suspended", "reopen": "open", "close": "closed"}
_ORDERED = {
    "notice": "write to the customer ({kind})",
    "desk": "tell the desk ({kind})",
}
_DONE = {
    "notice": "the customer was written to ({kind}), by {adapter}",
    "desk": "the desk was told ({kind}), by {adapter}",
}

SENTENCES = {
    "site_added": "{site} is in the register",
    "site_edited": "the details of {site} changed: {changed_details}",
    "incident_logged": "{incident} logged on {site}{of_which}{its_place}",
    "incident_imported": "{incident} brought in from elsewhere; it counts in no rule",
    "evidence_attached": "{incident}: evidence {digest} ({size:,} bytes)",
    "note_added": "{incident}: {for_whom}",
    "contact_recorded": "{incident}: {outcome_in_words}{its_effect}",
    "contact_voided": "contact {contact_id} voided{fresh_clock}",
    "incident_removed": "{incident}: the content is gone",
    "incident_refused": "{incident}: {how_refused}",
    "incident_voided": "{incident} voided: it never counts again",
    "statement_taken_back": "{incident}: the {state_from} is taken back, it is {state_to} again"
    "{fresh_clock}",
    "clock_lapsed": "{incident}: nobody was reached by {occurred}",
    "alarm_raised": "{incident}: ALARM, the clock lapsed after {attempts} of {needed} attempts;"
    " {site} is not suspended",
    "site_suspended": "{site} suspended until {until_when} (R2, unreachable)",
    "suspension_ended": "the suspension of {site} ended{open_or_not}",
    "suspension_struck": "case {suspension} of {site} struck: nothing that it rested on still"
    " stands{struck_open_or_not}",
    "suspension_restored": "case {suspension} of {site} stands again",
    "site_closed": "{site} closed ({rule_in_words}){grounds}: no after-sales service, no refund",
    "closure_disputed": "the closure of {site} is disputed: {counted} of {needed} still hold",
    "dispute_settled": "the closure of {site} is no longer disputed",
    "closure_upheld": "the closure of {site} stands, upheld",
    "hold_set": "{site} held by order: it stays down",
    "hold_lifted": "the hold on {site} lifted{open_or_not}",
    "reinstatement_asked": "{by} asks that {site} be opened again; another person decides",
    "reinstatement_declined": "{site} is not opened again: declined",
    "site_reinstated": "{site} reinstated: all counts start afresh",
    "task_opened": "task {task_id}: {task_in_words}",
    "task_completed": "task {task_id} done: {outcome}",
    "item_claimed": "{item_id} is with {holder}",
    "item_released": "{item_id} is free again",
    "incident_reported": "{incident}: reported to the police",
    "removal_said": "{incident}: the customer says that the content is gone; the desk has not"
    " looked",
    "order_delivered": "{what_is_done}",
    "order_failed": "GIVEN UP: {what_was_ordered}, after {so_many_attempts} by {adapter}"
    " ({problem})",
    "order_cancelled": "not carried out: {what_was_ordered} ({why_not})",
    "order_retried": "tried again: {what_was_ordered}",
    "state_seen": "{adapter} says that {site} is {seen} in the world",
    "order_repeated": "ordered once more: {order_kind} {site}",
}  # fmt: skip


def sentence(teller: Teller, event: Document) -> str:
    """What happened; an event of a kind that is not known here is told by its name."""
    template = SENTENCES.get(event["kind"], "{kind}")
    return template.format_map(_Facts(teller, event))


class _Facts(dict[str, Any]):
    """The event's fields, and what is worked out of them when a sentence asks for it."""

    def __init__(self, teller: Teller, event: Document) -> None:
        super().__init__(event, site=teller.site)
        self._teller = teller

    def __missing__(self, name: str) -> str:
        return _WORKED_OUT[name](self._teller, self)


def _changed_details(_teller: Teller, event: Document) -> str:
    changed = [name for name in ("phone", "email", "person") if event.get(name) is not None]
    return ", ".join(changed) or "none"


def _of_which(teller: Teller, event: Document) -> str:
    if event.get("recurs") is None:
        return ""
    return f": the content of {teller.name(event['recurs'])} is still there"


def _its_place(_teller: Teller, event: Document) -> str:
    return "; moot, since the site is closed" if event["state_to"] == "moot" else ""


def _its_effect(_teller: Teller, event: Document) -> str:
    if event.get("stopped_clock"):
        return ", which stopped its clock"
    if event["state_to"] != event["state_from"] == "unreached":
        return "; its clock had lapsed"
    if event["state_to"] == "open":
        return "; the clock runs on"
    return ""


def _fresh_clock(teller: Teller, event: Document) -> str:
    if not event.get("fresh_hour"):
        return ""
    return f"; a new clock runs until {teller.when(event['contact_due'])}"


def _how_refused(teller: Teller, event: Document) -> str:
    deadline = _reason(event).get("deadline")
    if deadline is not None:
        return f"not deleted by {teller.when(deadline)}, which is a refusal"
    return "the customer was told and does not delete"


def _open_or_not(_teller: Teller, event: Document) -> str:
    if event["site_to"] == event["site_from"]:
        return f"; the site stays {event['site_to']}"
    return "; the site is open again"


def _struck_open_or_not(teller: Teller, event: Document) -> str:
    return _open_or_not(teller, event) if event.get("ended") else ""


def _grounds(teller: Teller, event: Document) -> str:
    reason = _reason(event)
    names = ", ".join(teller.name(n) for n in reason.get("incidents") or ())
    match reason.get("rule"):
        case "repeat":
            since, until = teller.when(reason["since"]), teller.when(reason["until"])
            return f", {reason['counted']} violations from {since} to {until} ({names})"
        case "unreachable_run":
            return f", case {reason['counted']} of {reason['needed']} ({names})"
        case "false_info":
            return f", false: {event['field']}"
        case "refusal":
            return f", {names}"
        case _:
            return ""


def ordered(kind: str, lane: str) -> str:
    """What an order of that kind is in its lane: `suspend`, `write to the customer (suspend)`."""
    return _ORDERED.get(lane, "{kind}").format(kind=kind)


def order_of_site(order: Document) -> str:
    """The same with its site, of an order's document."""
    what = ordered(order["kind"], order["lane"])
    return f"{what} of {order['site']}" if order["lane"] in _ORDERED else f"{what} {order['site']}"


def _what_was_ordered(teller: Teller, event: Document) -> str:
    what = ordered(event["order_kind"], event["lane"])
    return what if event["lane"] in _ORDERED else f"{what} {teller.site}"


def _what_is_done(teller: Teller, event: Document) -> str:
    kind, adapter, site = event["order_kind"], event["adapter"], teller.site
    if event["lane"] in _DONE:
        return _DONE[event["lane"]].format(kind=kind, adapter=adapter)
    if not event.get("enforced"):
        return f"{adapter} was told to {kind} {site}, and ENFORCES NOTHING"
    return f"{site} is {_IN_THE_WORLD.get(kind, kind)} in the world, by {adapter}"


def contact_id(event: Document) -> str:
    """The public id of the contact that an event is about."""
    return f"{event['incident']}-{str(event['contact']).rpartition('-')[2]}"


def item_id(site_id: int, event: Document) -> str:
    """The public id of the item of the queue that an event is about."""
    item = str(event["item"])
    return item if item.startswith(f"{site_id}-") else f"{site_id}-{item}"


def _task_in_words(teller: Teller, event: Document) -> str:
    names = ", ".join(teller.name(n) for n in event.get("incidents") or ())
    what = TASKS.get(event["task_kind"], str(event["task_kind"]))
    return f"{what} ({names})" if names else what


def _reason(event: Document) -> Document:
    return event.get("reason") or {}


_WORKED_OUT: dict[str, Callable[[Teller, Document], str]] = {
    "changed_details": _changed_details,
    "contact_id": lambda _, e: contact_id(e),
    "fresh_clock": _fresh_clock,
    "grounds": _grounds,
    "for_whom": lambda _, e: NOTES.get(e["audience"], str(e["audience"])),
    "how_refused": _how_refused,
    "item_id": lambda t, e: item_id(t.site_id, e),
    "its_place": _its_place,
    "its_effect": _its_effect,
    "occurred": lambda t, e: t.when(e["occurred_at"]),
    "of_which": _of_which,
    "open_or_not": _open_or_not,
    "outcome_in_words": lambda _, e: OUTCOMES.get(e["outcome"], str(e["outcome"])),
    "rule_in_words": lambda _, e: rule(_reason(e).get("rule")),
    "so_many_attempts": lambda _, e: counted(e["attempts"], "attempt"),
    "struck_open_or_not": _struck_open_or_not,
    "task_id": lambda t, e: str(e["task"]) if "-" in str(e["task"]) else t.name(f"t{e['task']}"),
    "task_in_words": _task_in_words,
    "what_is_done": _what_is_done,
    "what_was_ordered": _what_was_ordered,
    "why_not": lambda _, e: WHY_NOT.get(e["why"], str(e["why"])),
    "until_when": lambda t, e: t.when(e["until"]),
}
