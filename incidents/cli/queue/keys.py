"""The keys of the queue's screen: what each key does to an item, and with what result.

No key closes a site: a closure needs a typed command, which is confirmed by the site's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING
from uuid import uuid4

from incidents.cli import answers
from incidents.cli.submission import Submission
from incidents.contract.action import name_of
from incidents.locale import event_sentence, refusals
from incidents.machine import commands
from incidents.values.ids import read_incident_id, read_item_id

if TYPE_CHECKING:
    from incidents.cli.run import Run
    from incidents.contract.documents import Hint
    from incidents.contract.documents.queue import QueueItem
    from incidents.desk import Answer
    from incidents.locale.language import Language
    from incidents.machine.commands import Command


@dataclass(frozen=True, kw_only=True)
class PendingAction:
    """A command about an item, as the command line would send it.

    `words`: what the command records. `question`: asked first, if a slip would be costly. `key`:
    the idempotency key of this key press; if the result is unknown, the command can safely be sent
    again with it.
    """

    item: str
    site: int
    command: Command
    words: str
    question: str | None = None
    key: str = field(default_factory=lambda: f"screen:{uuid4()}")


@dataclass(frozen=True, kw_only=True)
class ActionResult:
    """The desk's answer to an action, in words.

    `is_refusal`: the desk refused the action.
    """

    words: str
    is_refusal: bool


def carry_out(run: Run, action: PendingAction) -> ActionResult:
    """Send the action to the desk, and return the answer.

    Raises:
        AwayError: if the result is unknown; the same action can be sent again.
    """
    [answer] = Submission(run, key=action.key, dry_run=False).submit_all(
        [(action.site, action.command)]
    )
    due = [
        run.text("answer.meanwhile", what=sentence)
        for sentence in _sentences(run, answer, of_the_clock=True)
    ]
    if answer.refusal is not None:
        refused = refusals.sentence(answer.refusal, run.when, run.language)
        return ActionResult(words=_joined(run, [refused, *due]), is_refusal=True)
    done = _sentences(run, answer, of_the_clock=False) or [run.text("answer.nothing")]
    sentence = _joined(run, [*done, *answers.remark_sentences(run, answer.remarks), *due])
    return ActionResult(words=sentence, is_refusal=False)


def _joined(run: Run, sentences: list[str]) -> str:
    """Join sentences; in Chinese, some of them already end with a full stop."""
    stop = run.text("list.stop")
    return stop.join(each.removesuffix(stop) for each in sentences)


def _sentences(run: Run, answer: Answer, *, of_the_clock: bool) -> list[str]:
    """The sentences about the decisions that were due before, or about the action's own events."""
    wording = answers.wording_of(run, answer)
    part = takewhile if of_the_clock else dropwhile
    events = part(lambda event: event["by"] == commands.CLOCK, answers.as_left_down(run, answer))
    return [event_sentence.sentence(wording, event) for event in events]


OUTCOMES = {
    "1": "reached", "2": "no-answer", "3": "wrong-number", "4": "bounced", "5": "left-message",
}  # fmt: skip
"""The outcome of a contact as it is recorded, by key."""

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
_NAMES = OUTCOMES | {_REMOVED: "removed", _DONE: "done", _CLAIM: "claim", _RELEASE: "release"}
"""The name of the action of each key, from which the ID of its label is made."""

# The actions of keys, each with the present time and without a note.
_ON_KEYS = frozenset(
    map(name_of, (commands.RecordContact, commands.StateRemoved, commands.CompleteTask))
)

ACTIONS = frozenset(_NAMES)
"""All keys that perform an action on an item."""


def offered(item: QueueItem, by: str, language: Language) -> dict[str, str]:
    """The keys that this person can use on the item, with their labels."""
    return {key: language.word("queue_key", _NAMES[key]) for key in _fitting(item, by)}


def listed(item: QueueItem, by: str, language: Language) -> str:
    """List the keys that this person can use on the item, on one line."""
    found = offered(item, by, language)
    lines = [language.say("queue.key", key=key, words=words) for key, words in found.items()]
    return language.say("list.parts").join(lines)


def _fitting(item: QueueItem, by: str) -> str:
    own = _RELEASE if item["claimed_by"] == by else ""
    return f"{_OF_KIND.get(item['kind'], '')}{_CLAIM}{own}"


def typed_only_hints(item: QueueItem) -> list[Hint]:
    """The hints of the item for which there is no key."""
    return [hint for hint in item["hints"] if hint["act"] not in _ON_KEYS]


def pending_action(key: str, item: QueueItem, by: str, language: Language) -> PendingAction | None:
    """The action of a key on the item for that person; None if the key does not apply.

    If a colleague has claimed the item, the action has a question to ask first.
    """
    found = _MAKERS[key](key, item, by, language) if key in _fitting(item, by) else None
    holder = item["claimed_by"]
    if found is None or key == _CLAIM or holder in (None, by):
        return found
    question = found.question or language.say("queue_ask.anyway", what=found.words)
    asked = language.say("queue_ask.claimed", holder=holder, id=item["id"], question=question)
    return replace(found, question=asked)


def _contact(key: str, item: QueueItem, by: str, language: Language) -> PendingAction:
    outcome, id_, n = OUTCOMES[key], item["id"], _number(item["incident"] or "")
    question = None
    if outcome == "reached":
        code = "queue_ask.reached" if item["kind"] == "call" else "queue_ask.reached.told"
        question = language.say(code, site=item["site"], id=id_)
    words = language.say("queue_deed.contact", outcome=language.word("queue_key", outcome), id=id_)
    return PendingAction(
        item=id_, site=_read(item)[0], words=words, question=question,
        command=commands.RecordContact(by=by, incident=n, outcome=outcome),
    )  # fmt: skip


def _removed(_key: str, item: QueueItem, by: str, language: Language) -> PendingAction | None:
    """The action that records the first unsettled incident as removed; None if there is none.

    If the task has several unsettled incidents, the question names the first one.
    """
    several = item["kind"] == "recheck"
    unsettled = item["unsettled"] if several else [item["id"]]
    if not unsettled:
        return None
    [first, *more] = unsettled
    question = language.say("queue_ask.removed", id=first, n=len(more)) if more else None
    words = language.say("queue_deed.removed", id=first)
    return PendingAction(
        item=item["id"], site=_read(item)[0], words=words, question=question,
        command=commands.StateRemoved(by=by, incident=_number(first)),
    )  # fmt: skip


def _done(_key: str, item: QueueItem, by: str, language: Language) -> PendingAction:
    id_, tells = item["id"], item["kind"] == "tell"
    left = len(item["unsettled"]) if item["kind"] == "recheck" else 0
    code = "queue_ask.done.tell" if tells else "queue_ask.done"
    question = language.say(
        "queue_ask.done.unsettled" if left else code, id=id_, site=item["site"], n=left
    )
    words = language.say("queue_deed.done", id=id_)
    return PendingAction(
        item=id_, site=_read(item)[0], words=words, question=question,
        command=commands.CompleteTask(
            by=by, task=int(_read(item)[1][1:]), outcome="told" if tells else None
        ),
    )  # fmt: skip


def _claim_or_release(key: str, item: QueueItem, by: str, language: Language) -> PendingAction:
    site, rest = _read(item)
    kind = commands.ClaimItem if key == _CLAIM else commands.ReleaseItem
    words = language.say(f"queue_deed.{_NAMES[key]}", id=item["id"])
    return PendingAction(item=item["id"], site=site, command=kind(by=by, item=rest), words=words)


_MAKERS: dict[str, Callable[[str, QueueItem, str, Language], PendingAction | None]] = {
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
