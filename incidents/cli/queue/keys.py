"""The keys of the queue's screen: the act behind each key for an item, and its result.

What closes a site is on no key: it is typed as a command, and confirmed by the site's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING
from uuid import uuid4

from incidents.cli import answers
from incidents.cli.act import Act
from incidents.contract.action import name_of
from incidents.locale import event_sentence, refusals
from incidents.machine import commands
from incidents.values.ids import read_incident_id, read_item_id

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.queue import QueueItem
    from incidents.desk import Answer
    from incidents.machine.commands import Command


@dataclass(frozen=True, kw_only=True)
class Deed:
    """A command for the site of an item, as the command line would send it.

    `words` says what it records, `question` what to ask first, if a slip would cost. `key` makes it
    safe to send again when nobody knows whether it was done: one press of a key is one act.
    """

    item: str
    site: int
    command: Command
    words: str
    question: str | None = None
    key: str = field(default_factory=lambda: f"screen:{uuid4()}")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What the desk has answered to a deed, in words; `is_refusal`: it was not done."""

    words: str
    is_refusal: bool


def carry_out(run: Run, deed: Deed) -> Told:
    """Send it to the desk, and tell the answer.

    Raises:
        AwayError: then nobody knows whether it was done; the same deed may be sent again.
    """
    [answer] = Act(run, key=deed.key, dry_run=False).submit_all([(deed.site, deed.command)])
    due = [f"meanwhile: {told}" for told in _sentences(run, answer, of_the_clock=True)]
    if answer.refusal is not None:
        refused = refusals.sentence(answer.refusal, run.when)
        return Told(words=". ".join([refused, *due]), is_refusal=True)
    done = _sentences(run, answer, of_the_clock=False)
    if not done:
        done = ["nothing changed: it stood like that already"]
    return Told(words=". ".join([*done, *answers.remarks(run, answer), *due]), is_refusal=False)


def _sentences(run: Run, answer: Answer, *, of_the_clock: bool) -> list[str]:
    """What was done because it was due before the act, or what the act did."""
    document = answers.as_left_down(run, answer.document)
    if not document["events"]:
        return []
    teller = answers.teller_of(run, document)
    part = takewhile if of_the_clock else dropwhile
    events = part(lambda event: event["by"] == commands.CLOCK, document["events"])
    return [event_sentence.sentence(teller, event) for event in events]


OUTCOMES = {
    "1": ("reached", "reached"),
    "2": ("no-answer", "no answer"),
    "3": ("wrong-number", "wrong number"),
    "4": ("bounced", "bounced"),
    "5": ("left-message", "left message"),
}
"""The outcome of a contact by its key, as the record has it and in words."""

_REMOVED, _DONE, _CLAIM, _RELEASE = "r", "d", "c", "u"
_OF_KIND = {
    "call": "12345",
    "keep_calling": "12345",
    "check_removal": "r",
    "recheck": "rd",
    "tell": "d",
    "review": "d",
    "file": "d",
    "show_number": "d",
    "suspicion": "d",
    "footer": "d",
}
_WORDS = {key: words for key, (_, words) in OUTCOMES.items()} | {
    _REMOVED: "removed",
    _DONE: "done",
    _CLAIM: "claim",
    _RELEASE: "release",
}
# The acts that a key gives, each with now as its time and without a note.
_ON_KEYS = frozenset(
    map(name_of, (commands.RecordContact, commands.StateRemoved, commands.CompleteTask))
)

ACTS = frozenset(_WORDS)
"""All keys that are acts."""


def offered(item: QueueItem, by: str) -> dict[str, str]:
    """The keys that are acts of that person on such an item, with their words."""
    own = _RELEASE if item["claimed_by"] == by else ""
    return {key: _WORDS[key] for key in f"{_OF_KIND.get(item['kind'], '')}{_CLAIM}{own}"}


def only_typed(item: QueueItem) -> list[Hint]:
    """What fits the item and is on no key."""
    return [hint for hint in item["hints"] if hint["act"] not in _ON_KEYS]


def deed(key: str, item: QueueItem, by: str) -> Deed | None:
    """What the key does to the item, given by that person; None if it is no act on such an item.

    What a colleague has claimed is asked about first.
    """
    found = _MAKERS[key](key, item, by) if key in offered(item, by) else None
    holder = item["claimed_by"]
    if found is None or key == _CLAIM or holder in (None, by):
        return found
    question = found.question or f"Record {found.words} anyway?"
    return replace(found, question=f"{holder} has claimed {item['id']}. {question}")


def _contact(key: str, item: QueueItem, by: str) -> Deed:
    outcome, words = OUTCOMES[key]
    id_, n = item["id"], _number(item["incident"] or "")
    question = None
    if outcome == "reached":
        effect = f"that stops the clock of {id_}" if item["kind"] == "call" else "that tells them"
        question = f"The responsible person of {item['site']} was spoken to about {id_}: {effect}?"
    return Deed(
        item=id_, site=_read(item)[0], words=f"{words} on {id_}", question=question,
        command=commands.RecordContact(by=by, incident=n, outcome=outcome),
    )  # fmt: skip


def _removed(_key: str, item: QueueItem, by: str) -> Deed | None:
    """Of a task with several incidents the first that is not settled, asked for by its name."""
    several = item["kind"] == "recheck"
    unsettled = item["unsettled"] if several else [item["id"]]
    if not unsettled:
        return None
    [first, *more] = unsettled
    question = f"The content of {first} is gone ({len(more)} more to look at)?" if more else None
    return Deed(
        item=item["id"], site=_read(item)[0], words=f"removed {first}", question=question,
        command=commands.StateRemoved(by=by, incident=_number(first)),
    )  # fmt: skip


def _done(_key: str, item: QueueItem, by: str) -> Deed:
    id_, tells = item["id"], item["kind"] == "tell"
    left = len(item["unsettled"]) if item["kind"] == "recheck" else 0
    what = f"{item['site']} was told that it is closed" if tells else "all of it was looked at"
    unsettled = f" ({left} not settled)" if left else ""
    return Deed(
        item=id_, site=_read(item)[0], words=f"done {id_}", question=f"{id_}: {what}{unsettled}?",
        command=commands.CompleteTask(
            by=by, task=int(_read(item)[1][1:]), outcome="told" if tells else None
        ),
    )  # fmt: skip


def _claim_or_release(key: str, item: QueueItem, by: str) -> Deed:
    site, rest = _read(item)
    kind = commands.ClaimItem if key == _CLAIM else commands.ReleaseItem
    words = f"{_WORDS[key]} {item['id']}"
    return Deed(item=item["id"], site=site, command=kind(by=by, item=rest), words=words)


_MAKERS: dict[str, Callable[[str, QueueItem, str], Deed | None]] = {
    **dict.fromkeys(OUTCOMES, _contact),
    _REMOVED: _removed,
    _DONE: _done,
    _CLAIM: _claim_or_release,
    _RELEASE: _claim_or_release,
}


def _read(item: QueueItem) -> tuple[int, str]:
    read = read_item_id(item["id"])
    assert read is not None, item["id"]
    return read


def _number(incident: str) -> int:
    read = read_incident_id(incident)
    assert read is not None, incident
    return read[1]
