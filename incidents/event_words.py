"""What an event says to people: one sentence for each kind, without its time and its person.

The sentences here are the English ones; another language has the same codes (see `language`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from incidents.words import Document, Teller

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

SENTENCES = {
    "site_added": "{site} is in the register",
    "site_edited": "the details of {site} changed: {changed_details}",
    "incident_logged": "{incident} logged on {site}{of_which}{its_place}",
    "incident_imported": "{incident} brought in from elsewhere; it counts in no rule",
    "evidence_attached": "{incident}: evidence {digest} ({size:,} bytes)",
    "note_added": "{incident}: {audience:note}",
    "contact_recorded": "{incident}: {outcome:outcome_told}{its_effect}",
    "contact_voided": "contact {contact_id} voided{fresh_clock}",
    "incident_removed": "{incident}: the content is gone",
    "incident_refused": "{incident}: {how_refused}",
    "incident_voided": "{incident} voided: it never counts again",
    "statement_taken_back": "{incident}: the {state_from} is taken back, it is {state_to} again"
    "{fresh_clock}",
    "clock_lapsed": "{incident}: nobody was reached by {occurred_at:when}",
    "alarm_raised": "{incident}: ALARM, the clock lapsed after {attempts} of {needed} attempts;"
    " {site} is not suspended",
    "site_suspended": "{site} suspended until {until:when} (R2, unreachable)",
    "suspension_ended": "the suspension of {site} ended{open_or_not}",
    "suspension_struck": "case {suspension} of {site} struck: nothing that it rested on still"
    " stands{struck_open_or_not}",
    "suspension_restored": "case {suspension} of {site} stands again",
    "site_closed": "{site} closed ({rule:rule}){grounds}{by_two}: no after-sales service, no"
    " refund",
    "closure_asked": "{by} asks that {site} be closed, {closed_for}; another person decides",
    "closure_declined": "{site} is not closed, as it was asked: declined",
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
    "order_cancelled": "not carried out: {what_was_ordered} ({why:why_not})",
    "order_retried": "tried again: {what_was_ordered}",
    "state_seen": "{adapter} says that {site} is {seen} in the world",
    "order_repeated": "ordered once more: {order_kind} {site}",
}  # fmt: skip
"""What has happened, by the event's kind."""

TO_COME = {
    "alarm_raised": "{incident}: ALARM, the clock lapses after {attempts} of {needed} attempts;"
    " {site} is not suspended",
    "clock_lapsed": "{incident}: nobody is reached by {occurred_at:when}",
    "incident_refused": "{incident}: {how_refused}",
    "site_closed": "{site} is closed ({rule:rule}){grounds}: no after-sales service, no refund",
    "site_suspended": "{site} is suspended until {until:when} (R2, unreachable)",
    "suspension_ended": "the suspension of {site} ends{open_or_not}",
}
"""What the clock will do, by the kind of event; others are told as if they had happened."""

PARTS = {
    "none": "none",
    "said": ": “{text}”",
    "erased": " (erased)",
    "of_which": ": the content of {recurs} is still there",
    "moot": "; moot, since the site is closed",
    "stopped_clock": ", which stopped its clock",
    "had_lapsed": "; its clock had lapsed",
    "runs_on": "; the clock runs on",
    "fresh_clock": "; a new clock runs until {contact_due:when}",
    "refused_by_word": "the customer was told and does not delete",
    "refused_by_time": "not deleted by {deadline:when}, which is a refusal",
    "refuses_by_time": "is not deleted by {deadline:when}, which is a refusal",
    "stays": "; the site stays {site_to:state}",
    "open_again": "; the site is open again",
    "window": ", {counted} violations from {since:when} to {until:when} ({incidents})",
    "run": ", case {counted} of {needed} ({incidents})",
    "false": ", false: {field:field}",
    "refusal": ", {incidents}",
    "by_two": ", asked for by {asked_by} and confirmed by {by}",
    "for_false": "{rule:rule}, false: {field:field}",
    "for_refusal": "{rule:rule}, {incident}",
    "one_attempt": "{attempts} attempt",
    "attempts": "{attempts:,} attempts",
    "task_about": "{task_kind:task} ({incidents})",
    "task": "{task_kind:task}",
}
"""The parts of sentences that are there or not."""

ORDERS = {
    "ordered.act": "{kind}",
    "ordered.notice": "write to the customer ({kind})",
    "ordered.desk": "tell the desk ({kind})",
    "ordered_of.act": "{kind} {site}",
    "ordered_of.notice": "write to the customer ({kind})",
    "ordered_of.desk": "tell the desk ({kind})",
    "done.notice": "the customer was written to ({order_kind}), by {adapter}",
    "done.desk": "the desk was told ({order_kind}), by {adapter}",
    "done.logged": "{adapter} was told to {order_kind} {site}, and ENFORCES NOTHING",
    "done.act": "{site} is {order_kind:in_the_world} in the world, by {adapter}",
    "in_the_world.suspend": "suspended",
    "in_the_world.reopen": "open",
    "in_the_world.close": "closed",
}
"""What was ordered, by its lane, and what is done."""

PHRASES = {
    **{f"happened.{kind}": sentence for kind, sentence in SENTENCES.items()},
    **{f"to_come.{kind}": sentence for kind, sentence in TO_COME.items()},
    **{f"event_part.{code}": part for code, part in PARTS.items()},
    **{f"outcome_told.{code}": told for code, told in OUTCOMES.items()},
    **{f"note.{audience}": told for audience, told in NOTES.items()},
    **{f"task.{kind}": told for kind, told in TASKS.items()},
    **{f"why_not.{code}": told for code, told in WHY_NOT.items()},
    **ORDERS,
}
"""All of them by the codes that each language has a phrase for."""


def sentence(teller: Teller, event: Document, *, to_come: bool = False) -> str:
    """What happened, or with `to_come` what the clock will do.

    An event of a kind that the teller's language does not know is told by its name.
    """
    phrases = teller.language.phrases
    template = phrases.get(f"to_come.{event['kind']}") if to_come else None
    if template is None:
        template = phrases.get(f"happened.{event['kind']}", "{kind}")
    return template.format_map(_Facts(teller, event, to_come=to_come))


class _Facts(dict[str, Any]):
    """The event's fields, and what is worked out of them, as a sentence asks for them."""

    def __init__(self, teller: Teller, event: Document, *, to_come: bool) -> None:
        super().__init__(site=teller.site, to_come=to_come)
        self._teller, self._event = teller, event

    def __missing__(self, name: str) -> Any:
        worked_out = _WORKED_OUT.get(name)
        if worked_out is not None:
            return worked_out(self._teller, self._event | self)
        return self._teller.fact(self._event[name])


def _part(teller: Teller, code: str, **facts: Any) -> str:
    return teller.say(f"event_part.{code}", **facts)


def _changed_details(teller: Teller, event: Document) -> str:
    changed = [name for name in ("phone", "email", "person") if event.get(name) is not None]
    names = [teller.language.word("field", name) for name in changed]
    return teller.language.comma.join(names) or _part(teller, "none")


def _of_which(teller: Teller, event: Document) -> str:
    if event.get("recurs") is None:
        return ""
    return _part(teller, "of_which", recurs=teller.name(event["recurs"]))


def _its_place(teller: Teller, event: Document) -> str:
    return _part(teller, "moot") if event["state_to"] == "moot" else ""


def _its_effect(teller: Teller, event: Document) -> str:
    if event.get("stopped_clock"):
        return _part(teller, "stopped_clock")
    if event["state_to"] != event["state_from"] == "unreached":
        return _part(teller, "had_lapsed")
    return _part(teller, "runs_on") if event["state_to"] == "open" else ""


def _fresh_clock(teller: Teller, event: Document) -> str:
    if not event.get("fresh_hour"):
        return ""
    return _part(teller, "fresh_clock", contact_due=event["contact_due"])


def _how_refused(teller: Teller, event: Document) -> str:
    deadline = _reason(event).get("deadline")
    if deadline is None:
        return _part(teller, "refused_by_word")
    code = "refuses_by_time" if event["to_come"] else "refused_by_time"
    return _part(teller, code, deadline=deadline)


def _open_or_not(teller: Teller, event: Document) -> str:
    if event["site_to"] == event["site_from"]:
        return _part(teller, "stays", site_to=event["site_to"])
    return _part(teller, "open_again")


def _struck_open_or_not(teller: Teller, event: Document) -> str:
    return _open_or_not(teller, event) if event.get("ended") else ""


def _grounds(teller: Teller, event: Document) -> str:
    reason = _reason(event)
    facts = {**reason, "incidents": [teller.name(n) for n in reason.get("incidents") or ()]}
    match reason.get("rule"):
        case "repeat":
            return _part(teller, "window", **facts)
        case "unreachable_run":
            return _part(teller, "run", **facts)
        case "false_info":
            return _part(teller, "false", field=event["field"])
        case "refusal":
            return _part(teller, "refusal", **facts)
        case _:
            return ""


def _by_two(teller: Teller, event: Document) -> str:
    asked_by = event.get("asked_by")
    return _part(teller, "by_two", asked_by=asked_by, by=event["by"]) if asked_by else ""


def _closed_for(teller: Teller, event: Document) -> str:
    n = event.get("incident")
    if n is None:
        return _part(teller, "for_false", rule="false_info", field=event["field"])
    return _part(teller, "for_refusal", rule="refusal", incident=teller.name(n))


def ordered(kind: str, lane: str) -> str:
    """What an order of that kind is in its lane: `suspend`, `write to the customer (suspend)`."""
    return ORDERS.get(f"ordered.{lane}", ORDERS["ordered.act"]).format(kind=kind)


def order_of_site(order: Document) -> str:
    """The same with its site, of an order's document."""
    what, site = ordered(order["kind"], order["lane"]), order["site"]
    return f"{what} of {site}" if order["lane"] in _TOLD else f"{what} {site}"


_TOLD = frozenset({"notice", "desk"})
"""The lanes in which people are told; what is ordered in others changes the world."""


def _what_was_ordered(teller: Teller, event: Document) -> str:
    lane = event["lane"] if event["lane"] in _TOLD else "act"
    return teller.say(f"ordered_of.{lane}", kind=event["order_kind"], site=teller.site)


def _what_is_done(teller: Teller, event: Document) -> str:
    in_world = "act" if event.get("enforced") else "logged"
    code = event["lane"] if event["lane"] in _TOLD else in_world
    return teller.say(
        f"done.{code}", site=teller.site, order_kind=event["order_kind"], adapter=event["adapter"]
    )


def contact_id(event: Document) -> str:
    """The public id of the contact that an event is about."""
    return f"{event['incident']}-{str(event['contact']).rpartition('-')[2]}"


def item_id(site_id: int, event: Document) -> str:
    """The public id of the item of the queue that an event is about."""
    item = str(event["item"])
    return item if item.startswith(f"{site_id}-") else f"{site_id}-{item}"


def _task_in_words(teller: Teller, event: Document) -> str:
    names = [teller.name(n) for n in event.get("incidents") or ()]
    code = "task_about" if names else "task"
    return _part(teller, code, task_kind=event["task_kind"], incidents=names)


def _attempts(teller: Teller, event: Document) -> str:
    code = "one_attempt" if event["attempts"] == 1 else "attempts"
    return _part(teller, code, attempts=event["attempts"])


def _reason(event: Document) -> Document:
    return event.get("reason") or {}


_WORKED_OUT: dict[str, Callable[[Teller, Document], str]] = {
    "by_two": _by_two,
    "changed_details": _changed_details,
    "closed_for": _closed_for,
    "contact_id": lambda _, e: contact_id(e),
    "fresh_clock": _fresh_clock,
    "grounds": _grounds,
    "how_refused": _how_refused,
    "item_id": lambda t, e: item_id(t.site_id, e),
    "its_place": _its_place,
    "its_effect": _its_effect,
    "of_which": _of_which,
    "open_or_not": _open_or_not,
    "so_many_attempts": _attempts,
    "struck_open_or_not": _struck_open_or_not,
    "task_id": lambda t, e: str(e["task"]) if "-" in str(e["task"]) else t.name(f"t{e['task']}"),
    "task_in_words": _task_in_words,
    "what_is_done": _what_is_done,
    "what_was_ordered": _what_was_ordered,
}
