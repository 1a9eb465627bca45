"""The sentence for an event: its phrase in the reader's language, with derived facts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, cast

from incidents.locale.language import ENGLISH, Language
from incidents.machine.command import BRAKED
from incidents.values.site_name import shown

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.actions import Reason
    from incidents.contract.documents.orders import OnlyLogged, Order
    from incidents.locale.words import Wording


def sentence(wording: Wording, event: Facts, *, to_come: bool = False) -> str:
    """Describe the event or, with `to_come`, an action that the clock will take.

    An event of a kind that the language does not know is shown by its name.
    """
    phrases = wording.language.phrases
    template = phrases.get(f"to_come.{event['kind']}") if to_come else None
    if template is None:
        template = phrases.get(f"happened.{event['kind']}", "{kind}")
    return template.format_map(_EventFacts(wording, event, to_come=to_come))


class _EventFacts(dict[str, object]):
    """The event's fields, and the values derived from them that its sentence needs."""

    def __init__(self, wording: Wording, event: Facts, *, to_come: bool) -> None:
        super().__init__(site=shown(wording.site), to_come=to_come)
        self._wording, self._event = wording, event

    def __missing__(self, name: str) -> object:
        derived = _DERIVED.get(name)
        if derived is not None:
            return derived(self._wording, {**self._event, **self})
        return self._wording.fact(self._event[name])


def _part(wording: Wording, code: str, **facts: Any) -> str:
    return wording.say(f"event_part.{code}", **facts)


def _changed_details(wording: Wording, event: Facts) -> str:
    changed = [name for name in ("phone", "email", "person") if event.get(name) is not None]
    names = [wording.language.word("field", name) for name in changed]
    return wording.language.comma.join(names) or _part(wording, "none")


def _of_which(wording: Wording, event: Facts) -> str:
    if event.get("recurs") is None:
        return ""
    return _part(wording, "of_which", recurs=wording.name(event["recurs"]))


def _its_place(wording: Wording, event: Facts) -> str:
    return _part(wording, "moot") if event["state_to"] == "moot" else ""


def _its_effect(wording: Wording, event: Facts) -> str:
    if event.get("stopped_clock"):
        return _part(wording, "stopped_clock")
    if event.get("in_time"):
        return _part(wording, "in_time", at=wording.when(str(event["occurred_at"])))
    if event["state_to"] != event["state_from"] == "unreached":
        return _part(wording, "had_lapsed")
    return _part(wording, "runs_on") if event["state_to"] == "open" else ""


def _fresh_clock(wording: Wording, event: Facts) -> str:
    if not event.get("fresh_hour"):
        return ""
    return _part(wording, "fresh_clock", contact_due=event["contact_due"])


def _how_refused(wording: Wording, event: Facts) -> str:
    reason = _reason(event)
    if reason is None or reason["deadline"] is None:
        asked_by = event.get("asked_by")
        code = "refused_by_word" if asked_by is None else "refused_by_two"
        return _part(wording, code, asked_by=asked_by, by=event.get("by"))
    code = "refuses_by_time" if event["to_come"] else "refused_by_time"
    return _part(wording, code, deadline=reason["deadline"])


def _open_or_not(wording: Wording, event: Facts) -> str:
    if event.get("left_down") == "closed":
        return _part(wording, "left_closed", site=wording.site)
    if event["site_to"] == event["site_from"]:
        # Only a hold outlasts a suspension; what outlasts a hold is the site's state.
        code = "stays" if event["kind"] == "hold_lifted" else "stays_held"
        return _part(wording, code, site_to=event["site_to"])
    if event.get("left_down"):
        return _part(wording, "left_down", site=wording.site)
    return _part(wording, "open_again")


def _struck_open_or_not(wording: Wording, event: Facts) -> str:
    return _open_or_not(wording, event) if event.get("ended") else ""


def _grounds(wording: Wording, event: Facts) -> str:
    reason = _reason(event)
    if reason is None:
        return ""
    facts = {**reason, "incidents": [wording.name(n) for n in reason["incidents"]]}
    match reason["rule"]:
        case "repeat":
            return _part(wording, "window", **facts)
        case "unreachable_run":
            beyond = (reason["counted"] or 0) > (reason["needed"] or 0)
            return _part(wording, "run_beyond" if beyond else "run", **facts)
        case "false_info":
            return _part(wording, "false", field=event["field"])
        case "refusal":
            return _part(wording, "refusal", **facts)
        case _:
            return ""


def _by_two(wording: Wording, event: Facts) -> str:
    asked_by = event.get("asked_by")
    return _part(wording, "by_two", asked_by=asked_by, by=event["by"]) if asked_by else ""


def _closed_for(wording: Wording, event: Facts) -> str:
    n = event.get("incident")
    if n is None:
        return _part(wording, "for_false", rule="false_info", field=event["field"])
    return _part(wording, "for_refusal", rule="refusal", incident=wording.name(n))


def ordered(kind: str, lane: str, language: Language = ENGLISH) -> str:
    """Describe an order by its kind and lane: `suspend`, `notify customer (suspend)`."""
    code = f"ordered.{lane if lane in _INFORMING_LANES else 'act'}"
    return language.say(code, kind=kind)


def order_of_site(order: Order | OnlyLogged, language: Language) -> str:
    """Describe an order by its JSON document, with its site, as the command line does."""
    code = "order_of.told" if order["lane"] in _INFORMING_LANES else "order_of.act"
    what = ordered(order["kind"], order["lane"], language)
    return language.say(code, what=what, site=order["site"])


_INFORMING_LANES = frozenset({"notice", "desk"})
"""The lanes that inform people; orders in other lanes change the live system."""


def _what_was_ordered(wording: Wording, event: Facts) -> str:
    lane = event["lane"] if event["lane"] in _INFORMING_LANES else "act"
    return wording.say(f"ordered_of.{lane}", kind=event["order_kind"], site=wording.site)


def _what_is_done(wording: Wording, event: Facts) -> str:
    in_world = "act" if event.get("enforced") else "logged"
    code = event["lane"] if event["lane"] in _INFORMING_LANES else in_world
    return wording.say(
        f"done.{code}", site=wording.site, order_kind=event["order_kind"], adapter=event["adapter"]
    )


def contact_id(event: Facts) -> str:
    """The public ID of the contact that an event is about."""
    return f"{event['incident']}-{str(event['contact']).rpartition('-')[2]}"


def item_id(site_id: int, event: Facts) -> str:
    """The public ID of the queue item that an event is about."""
    item = str(event["item"])
    return item if item.startswith(f"{site_id}-") else f"{site_id}-{item}"


def _task_in_words(wording: Wording, event: Facts) -> str:
    names = [wording.name(n) for n in cast("Sequence[str]", event.get("incidents") or ())]
    code = "task_about" if names else "task"
    return _part(wording, code, task_kind=event["task_kind"], incidents=names)


def _changed_filing(wording: Wording, event: Facts) -> str:
    names = []
    for key, text in sorted(cast("dict[str, str]", event["details"]).items()):
        field = _detail(wording, key)
        names.append(field if text != "" else _part(wording, "taken_away", field=field))
    return wording.language.comma.join(names)


def _detail(wording: Wording, key: str) -> str:
    """The name of a detail; for a server or a document, with its label."""
    kind, dot, label = key.partition(".")
    if dot and f"detail.{kind}" in wording.language.phrases:
        return f"{wording.language.word('detail', kind)} {label}"
    return wording.language.word("detail", key)


def _term_of(wording: Wording, event: Facts) -> str:
    code = f"term_{event['term']}"
    known = f"event_part.{code}" in wording.language.phrases
    return _part(wording, code) if known else str(event["term"])


def _what_it_lacks(wording: Wording, event: Facts) -> str:
    codes = cast("Sequence[str]", event["problems"])
    problems = [wording.language.finding(code) for code in codes]
    return (
        _part(wording, "lacks", problems=problems) if problems else _part(wording, "lacks_nothing")
    )


def _attempts(wording: Wording, event: Facts) -> str:
    code = "one_attempt" if event["attempts"] == 1 else "attempts"
    return _part(wording, code, attempts=event["attempts"])


def _how_given_up(wording: Wording, event: Facts) -> str:
    code = "braked" if event["problem"] == BRAKED else "given_up"
    return _part(
        wording, code, what_was_ordered=_what_was_ordered(wording, event),
        so_many_attempts=_attempts(wording, event), adapter=event["adapter"],
        problem=event["problem"],
    )  # fmt: skip


def _reason(event: Facts) -> Reason | None:
    return cast("Reason | None", event.get("reason"))


def _no_longer(wording: Wording, event: Facts) -> str:
    return "" if event["state_from"] == "moot" else _part(wording, "no_longer")


_DERIVED: dict[str, Callable[[Wording, Facts], str]] = {
    "how_met": lambda t, e: _part(t, "met_as_upheld" if e.get("upheld") else "met_again"),
    "by_two": _by_two,
    "changed_details": _changed_details,
    "closed_for": _closed_for,
    "contact_id": lambda _, e: contact_id(e),
    "changed_filing": _changed_filing,
    "finding_in_words": lambda t, e: t.language.finding(str(e["finding"])),
    "fresh_clock": _fresh_clock,
    "grounds": _grounds,
    "how_given_up": _how_given_up,
    "how_refused": _how_refused,
    "item_id": lambda t, e: item_id(t.site_id, e),
    "its_place": _its_place,
    "its_effect": _its_effect,
    "of_which": _of_which,
    "no_longer": _no_longer,
    "open_or_not": _open_or_not,
    "so_many_attempts": _attempts,
    "struck_open_or_not": _struck_open_or_not,
    "term_of": _term_of,
    "task_id": lambda t, e: str(e["task"]) if "-" in str(e["task"]) else t.name(f"t{e['task']}"),
    "task_in_words": _task_in_words,
    "what_is_done": _what_is_done,
    "what_it_lacks": _what_it_lacks,
    "what_was_ordered": _what_was_ordered,
}
