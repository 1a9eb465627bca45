"""The telling: what the desk has answered to an act, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING, Any

from incidents import event_words, refusal_words, views
from incidents.clock import rfc3339
from incidents.console.said import Said
from incidents.console.sitting import Sitting
from incidents.console.words import events_zh, refusals_zh
from incidents.console.writing import Reader
from incidents.errors import InputError, RefusedError
from incidents.machine import refusals
from incidents.machine.commands import CLOCK
from incidents.views import masked
from incidents.words import Teller, When

if TYPE_CHECKING:
    from incidents.desk import Answer
    from incidents.machine.refusals import Refusal

Document = dict[str, Any]

MAX_FASTER = 3


def told(here: Sitting, answer: Answer, *, seen: int | None = None) -> Said:
    """What has come of the act; of one that came too late, who was faster."""
    reader = here.reader
    due = _sentences(reader, answer.document, of_the_clock=True)
    meanwhile = [reader.say("told.meanwhile", what=each) for each in due]
    if answer.refusal is not None:
        refused = [refusal_of(reader, answer.refusal)]
        if answer.refusal.name == "changed_meanwhile" and answer.site_id is not None:
            refused = [reader.say("told.faster"), *_faster(here, answer.site_id, seen)]
        return Said("refused", " ".join([*refused, *meanwhile]))
    done = _sentences(reader, answer.document, of_the_clock=False)
    remarks = [_remark(reader, remark.name, remark.facts) for remark in answer.remarks]
    return Said("done", " ".join([*(done or [reader.say("told.nothing")]), *remarks, *meanwhile]))


def refused(reader: Reader, error: InputError | RefusedError) -> Said:
    """What an input was refused for, before it came to the desk."""
    template = refusals_zh.SENTENCES.get(error.name) if reader.language == "zh" else None
    words = error.message if template is None else template.format_map(_Facts(reader, error.facts))
    return Said("refused", words[:1].upper() + words[1:])


def refusal_of(reader: Reader, found: Refusal) -> str:
    """The sentence for the desk's refusal."""
    template = refusals_zh.SENTENCES.get(found.name) if reader.language == "zh" else None
    if template is not None:
        return template.format_map(_Facts(reader, found.facts))
    return _sentence(refusal_words.sentence(found, _when(reader)))


def event(reader: Reader, site: Document, document: Document) -> str:
    """One event, in a sentence."""
    if reader.language == "zh" and document["kind"] in events_zh.SENTENCES:
        facts = {**document, "site": site["site"], "outcome": document.get("outcome")}
        return events_zh.SENTENCES[document["kind"]].format_map(_Facts(reader, facts))
    teller = Teller(site=site["site"], site_id=site["id"], when=_when(reader))
    return _sentence(event_words.sentence(teller, document))


def line(reader: Reader, document: Document) -> str:
    """A line of the timeline: its kind, or of a note for whom it is, and what it is about; the
    English words stand beside it."""
    label = reader.word("event", document["kind"])
    if document.get("audience"):
        label = reader.word("audience", document["audience"])
    return f"{label} · {document['incident']}" if document.get("incident") else label


def _faster(here: Sitting, site_id: int, seen: int | None) -> list[str]:
    """Who did what since."""
    reader, found = here.reader, []
    with here.reading() as connection:
        story = views.timeline(
            connection, site_id, now=reader.now, zone=reader.zone, after=max(0, seen or 0)
        )
        for entry in story:
            found.append(entry)
            if len(found) == MAX_FASTER:
                break
    shown = masked.document(found)
    return [
        reader.say(
            "told.faster_by",
            by=reader.word("by", each["by"]),
            what=line(reader, each) if reader.language == "zh" else each["words"],
            at=clock_time(reader, each["recorded_at"]),
        )
        for each in shown
    ]


def clock_time(reader: Reader, moment: str) -> str:
    """A moment as text, in the reader's zone."""
    return When(zone=reader.zone, now=reader.now)(moment)


def _sentences(reader: Reader, document: Document, *, of_the_clock: bool) -> list[str]:
    """What was done because it was due before the act, or what the act did."""
    if not document["events"]:
        return []
    part = takewhile if of_the_clock else dropwhile
    events: Iterable[Document] = part(lambda event: event["by"] == CLOCK, document["events"])
    return [event(reader, document["site"], masked.document(each)) for each in events]


def _remark(reader: Reader, name: str, facts: Document) -> str:
    template = refusals_zh.SENTENCES.get(name) if reader.language == "zh" else None
    if template is not None:
        return template.format_map(_Facts(reader, facts))
    return _sentence(refusals.text(refusals.Remark(name, facts), _when(reader)))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _when(reader: Reader) -> When:
    return When(zone=reader.zone, now=reader.now)


class _Facts(dict[str, Any]):
    """Facts as a sentence shows them; one that is not there is left out."""

    def __init__(self, reader: Reader, facts: Document) -> None:
        super().__init__({name: _fact(reader, name, value) for name, value in facts.items()})

    def __missing__(self, name: str) -> str:
        return ""


_CODED = {
    "state": "state", "site_to": "state", "state_to": "state", "state_from": "state",
    "rule": "rule", "outcome": "outcome", "act": "act_words", "field": "field",
    "audience": "audience",
}  # fmt: skip
_TIMES = frozenset({"at", "until", "now", "occurred_at", "told_at", "due", "contact_due"})


def _fact(reader: Reader, name: str, value: Any) -> str:
    if value is None:
        return ""
    if hasattr(value, "tzinfo"):
        return clock_time(reader, rfc3339(value))
    if name in _TIMES and isinstance(value, str):
        return clock_time(reader, value)
    if name in _CODED and isinstance(value, str):
        return reader.word(_CODED[name], value)
    if isinstance(value, list | tuple):
        return "、".join(map(str, value))
    return str(value)
