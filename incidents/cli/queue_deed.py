"""The deed: one act that a key of the queue's screen stands for, and what came of it in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import dropwhile, takewhile
from typing import TYPE_CHECKING
from uuid import uuid4

from incidents import event_sentence, refusal_words, words
from incidents.cli import answers
from incidents.cli.act import Act

if TYPE_CHECKING:
    from incidents.cli.run import Run
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
        refused = refusal_words.sentence(answer.refusal, run.when)
        return Told(words=". ".join([refused, *due]), is_refusal=True)
    done = _sentences(run, answer, of_the_clock=False)
    if not done:
        done = ["nothing changed: it stood like that already"]
    return Told(words=". ".join([*done, *answers.remarks(run, answer), *due]), is_refusal=False)


def _sentences(run: Run, answer: Answer, *, of_the_clock: bool) -> list[str]:
    """What was done because it was due before the act, or what the act did."""
    document = answer.document
    if not document["events"]:
        return []
    site = document["site"]
    teller = words.Teller(site=site["site"], site_id=site["id"], when=run.when)
    part = takewhile if of_the_clock else dropwhile
    events = part(lambda event: event["by"] == answers.CLOCK, document["events"])
    return [event_sentence.sentence(teller, event) for event in events]
