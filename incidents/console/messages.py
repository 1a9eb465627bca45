"""The messages that tell the reader, in their language, how the desk answered an action."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import dropwhile, islice, takewhile
from typing import TYPE_CHECKING

from incidents import views
from incidents.console import corrections
from incidents.console.flash import Flash
from incidents.console.rendering import Reader, capitalised, joined
from incidents.console.request_context import RequestContext
from incidents.contract import effects
from incidents.desk import Answer
from incidents.errors import IncidentsError
from incidents.locale import error_sentence, event_sentence, refusals
from incidents.locale.words import Wording
from incidents.machine.commands import CLOCK
from incidents.machine.refusal import Refusal, Remark
from incidents.store.cases import sites
from incidents.values.ids import read_incident_id, read_item_id, read_order_id, read_report_id
from incidents.views import left_down, masked
from incidents.views.health import carries_out

if TYPE_CHECKING:
    from incidents.contract.documents import Facts
    from incidents.contract.documents.actions import Event

MAX_FASTER = 3
_IDS: dict[str, tuple[str, Callable[[str], object | None]]] = {
    "unknown_incident": ("incident", read_incident_id),
    "unknown_order": ("order", read_order_id),
    "unknown_report": ("report", read_report_id),
    "unknown_task": ("task", read_item_id),
}
"""For each refusal of a missing thing: the fact with the thing's id, and the function that reads
such an id."""
_STOPS = (".", "?", "。", "？")
_NAMED = ("site", "by", "second", "to", "adapter", "where", "name", "report")


def of_answer(here: RequestContext, answer: Answer, *, seen: int | None = None) -> Flash:
    """Return the message for an answer of the desk.

    If somebody else acted first, the message says who, and what they did.
    """
    reader, events = here.reader, _as_left_down(here, answer)
    due = _sentences(reader, answer, events, of_the_clock=True)
    meanwhile = [reader.say("told.meanwhile", what=each) for each in due]
    if answer.refusal is not None:
        refused = [refusal_text(reader, answer.refusal)]
        if answer.refusal.name == "changed_meanwhile" and answer.site_id is not None:
            refused = [reader.say("told.faster"), *_faster(here, answer.site_id, seen)]
        return Flash("refused", joined([*refused, *meanwhile]))
    done = _sentences(reader, answer, events, of_the_clock=False)
    remarks = remark_texts(reader, answer.remarks)
    if _stays_up(here, answer):
        remarks.append(reader.say("told.not_down_yet"))
    if answer.repeated:
        remarks.append(reader.say("told.repeated"))
    told = joined([*(done or [reader.say("told.nothing")]), *remarks, *meanwhile])
    return Flash("done", told, corrections.of_answer(here, answer))


def remark_texts(reader: Reader, remarks: Iterable[Remark]) -> list[str]:
    """Return the remarks on an action that took effect, one sentence each."""
    return [
        _as_sentence(reader, refusals.remark(remark, reader.when, reader.spoken), remark.facts)
        for remark in remarks
    ]


def _stays_up(here: RequestContext, answer: Answer) -> bool:
    """Whether a site was closed or held that is not known to be down, and nobody takes it down."""

    def carried_out() -> bool:
        with here.reading() as connection:
            return carries_out(views.enforcement(connection, here.reader.now))

    return effects.stays_up(answer.site_document, answer.document["events"], carried_out)


def _as_left_down(here: RequestContext, answer: Answer) -> list[Event]:
    """The events, changed if after a loss a site stays down when its suspension or hold ends."""

    def in_force() -> str | None:
        with here.reading() as connection:
            site = sites.named(connection, answer.site)
            return site["in_force"] if left_down.stays_down(connection, site) else None

    events = answer.document["events"]
    in_time = effects.late_on_record(answer.document["incidents"], events)
    events = effects.made_in_time(events, in_time)
    return effects.as_left_down(events, in_force)


def of_error(reader: Reader, error: IncidentsError) -> Flash:
    """Return the message for input that was refused before it reached the desk."""
    return Flash("refused", error_text(reader, error))


def error_text(reader: Reader, error: IncidentsError) -> str:
    """Return the error as a sentence; what the language has no phrase for is in English."""
    told = _not_there(reader, error) or refusals.sentence_for(
        error.name, error.facts, reader.when, reader.spoken
    )
    told = told or error_sentence.translated(error, reader.spoken, reader.when) or ""
    facts = {**getattr(error.message, "facts", {}), **error.facts}
    if told:
        return _as_sentence(reader, told, facts)
    return capitalised(error_sentence.english(error, reader.when), _names(facts))


def refusal_text(reader: Reader, found: Refusal) -> str:
    """Return the sentence for a refusal of the desk."""
    told = refusals.sentence(found, reader.when, reader.spoken)
    return _as_sentence(reader, told, found.facts)


def _not_there(reader: Reader, error: IncidentsError) -> str:
    """Return the sentence for input that is not an id, or whose id does not exist."""
    given, no_id = error.facts.get("given"), f"not_there.{error.name}"
    if given is None or no_id not in reader.spoken.phrases:
        return ""
    fact, read = _IDS.get(error.name, ("", None))
    if read is None or read(str(given).strip()) is None:
        return reader.spoken.say(no_id, given=given)
    return reader.spoken.say(f"refused.{error.name}", **{fact: given})


def _as_sentence(reader: Reader, told: str, facts: Facts) -> str:
    """Add a capital letter and a full stop to the text, unless it has them."""
    names = _names(facts)
    return capitalised(told, names) if told.endswith(_STOPS) else reader.sentence(told, names)


def event(reader: Reader, answer: Answer, document: Event) -> str:
    """Describe one event in a sentence."""
    assert answer.site_id is not None
    wording = Wording(site=answer.site, site_id=answer.site_id, when=reader.when)
    words = event_sentence.sentence(wording, document)
    return reader.sentence(words, _names(document | {"site": answer.site}))


def _names(facts: Facts) -> list[object]:
    """The names of people and things among the facts."""
    return [facts[each] for each in _NAMED if each in facts]


def _faster(here: RequestContext, site_id: int, seen: int | None) -> list[str]:
    """Describe what other people did since the reader saw the site."""
    reader = here.reader
    with here.reading() as connection:
        story = views.timeline(
            connection, site_id, now=reader.now, zone=reader.zone, language=reader.spoken,
            after=max(0, seen or 0),
        )  # fmt: skip
        shown = masked.document(list(islice(story, MAX_FASTER)))
    return [
        reader.say(
            "told.faster_by",
            by=reader.word("by", each["by"]),
            what=each["words"],
            at=reader.when(each["recorded_at"]),
        )
        for each in shown
    ]


def _sentences(
    reader: Reader, answer: Answer, events: list[Event], *, of_the_clock: bool
) -> list[str]:
    """Describe the events due before the action, or the events of the action."""
    part = takewhile if of_the_clock else dropwhile
    those = part(lambda event: event["by"] == CLOCK, events)
    return [event(reader, answer, masked.document(each)) for each in those]
