"""An operator, as a process of its own: acts until it is told to stop, or killed.

    python -m tests.fire.operators NUMBER SEED LEDGER MOST_THOUGHT_S

The database is INCIDENTS_DB. Each act is written down before it is sent, and its answer after. What
a predecessor has left without an answer is sent first, under the same key; and so is its last act
that was answered, which must be answered alike. SIGTERM ends it after the act in hand.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from incidents import clock
from incidents.desk import Answer, Desk, Envelope
from incidents.errors import DatabaseError, RefusedError
from incidents.store.database import engine
from tests.fire.ledger import (
    Acknowledgement,
    Entry,
    Intent,
    LedgerFile,
    acknowledgement,
)
from tests.fire.record import DESK_STREAM
from tests.fire.shift import ACTIVATE, Shift, command_of
from tests.nursery_process import CONSOLE

NO_ANSWER = "no answer:"
"""The prefix of a log line that says why the database did not answer."""

_BY_COMMAND_LINE = 0.01
_AT_ONCE, _MOST_AT_ONCE = 0.1, 4
_UNTIL_TRIED_AGAIN_S = 0.05
_REFUSED = b'{"refused"'
_NO_ANSWER_YET = 1
"""The exit status of a command that the database has failed."""


class Operator:
    """One process's work at its desk."""

    def __init__(
        self, url: str, number: int, seed: int, ledger: LedgerFile, most_thought_s: float
    ) -> None:
        self._desk = Desk(engine.create(url))
        self._shift = Shift(operator=number, seed=seed)
        self._ledger = ledger
        self._most_thought_s = most_thought_s
        self._stopping = False

    def stop(self, _number: int, _frame: FrameType | None) -> None:
        """End after the act in hand."""
        self._stopping = True

    def work(self) -> None:
        """Finish what a predecessor has left, then act and act."""
        for intent in self._left():
            self._send(intent)
        # Thinking is no part of what a seed decides: the machine's load is not either.
        thought = random.Random()
        while not self._stopping:
            self._act()
            time.sleep(thought.random() * self._most_thought_s)

    def _act(self) -> None:
        """One act, or several in one transaction."""
        first, now = len(self._ledger.ledger.intents), clock.now()
        intents = [self._shift.act(n, now) for n in range(first, first + _MOST_AT_ONCE)]
        if random.Random(intents[0].key).random() < _AT_ONCE and not any(map(_way, intents)):
            for intent in intents:
                self._ledger.intend(intent)
            for answer in self._answered(lambda: self._submit(intents)):
                self._ledger.acknowledge(answer)
        else:
            self._send(intents[0])

    def _left(self) -> list[Intent]:
        ledger = self._ledger.ledger
        answered = [
            intent for key, intent in ledger.intents.items() if key in ledger.acknowledgements
        ]
        # The answer to an activation that was refused is not kept: later it may be possible.
        last = [intent for intent in answered[-1:] if intent.command["type"] != ACTIVATE]
        return [*ledger.unacknowledged, *last]

    def _send(self, intent: Intent) -> None:
        self._ledger.intend(intent)
        way = _way(intent)
        send = partial(self._submit, [intent]) if way is None else lambda: [way(self, intent)]
        for answer in self._answered(send):
            self._ledger.acknowledge(answer)

    def _answered(self, send: Callable[[], list[Acknowledgement]]) -> list[Acknowledgement]:
        """Send until there is an answer; never leave an act that may have been done."""
        while True:
            try:
                return send()
            except DatabaseError as error:
                sys.stderr.write(f"{NO_ANSWER} {' '.join(error.message.split())}\n")
                time.sleep(_UNTIL_TRIED_AGAIN_S)

    def _submit(self, intents: Sequence[Intent]) -> list[Acknowledgement]:
        """Act by the desk itself, in one transaction."""
        answers = self._desk.submit(
            [Envelope(site=i.site, command=command_of(i), key=i.key) for i in intents]
        )
        for intent, answer in zip(intents, answers, strict=True):
            self._shift.hear(intent.site, answer.document)
        return [
            acknowledgement(intent.key, answer.document, _refusal(answer))
            for intent, answer in zip(intents, answers, strict=True)
        ]

    def _activate(self, intent: Intent) -> Acknowledgement:
        words = intent.command
        try:
            done = self._desk.activate(
                words["toml"], by=words["by"], login=None, reason=words["reason"], key=intent.key
            )
        except RefusedError:
            return Acknowledgement(key=intent.key, refusal="refused")
        entry = Entry(
            site_id=DESK_STREAM, site_seq=done["seq"], kind=intent.kind, actor=intent.actor
        )
        return Acknowledgement(key=intent.key, entries=(entry,))

    def _type(self, intent: Intent) -> Acknowledgement:
        """Act by a real command line; one whose operator is killed may outlive it."""
        words = [*_words(intent), "--key", intent.key, "--as", intent.actor, "--json"]
        done = subprocess.run(
            [sys.executable, "-c", CONSOLE, *words], capture_output=True, check=False
        )
        if done.returncode == 0:
            return acknowledgement(intent.key, json.loads(done.stdout), None)
        if done.returncode == 3:
            said = next(line for line in done.stderr.splitlines() if line.startswith(b'{"refused"'))
            return Acknowledgement(key=intent.key, refusal=json.loads(said)["refused"]["name"])
        if done.returncode == _NO_ANSWER_YET:
            raise DatabaseError(done.stderr.decode())
        raise AssertionError((words, done.returncode, done.stdout, done.stderr))


def _way(intent: Intent) -> Callable[[Operator, Intent], Acknowledgement] | None:
    """The way of sending; None for a command that the desk takes together with others."""
    if intent.command["type"] == ACTIVATE:
        return Operator._activate
    if random.Random(intent.key).random() < _BY_COMMAND_LINE and _words(intent):
        return Operator._type
    return None


def _refusal(answer: Answer) -> str | None:
    return None if answer.refusal is None else answer.refusal.name


def _words(intent: Intent) -> list[str]:
    """The act as it is typed; nothing for those that need a confirmation or an id."""
    words: dict[str, Any] = dict(intent.command)
    at = ["--at", words["at"]] if "at" in words else []
    match words["type"]:
        case "Log":
            return ["log", intent.site, *(f"--url={url}" for url in words["urls"]), *at]
        case "RecordContact" if words["incident"] is None:
            return ["contact", intent.site, words["outcome"], *at]
        case "SetHold":
            return ["site", "hold", intent.site, "--reason", words["reason"]]
        case "AskReinstatement":
            return ["site", "reinstate", intent.site, "--reason", words["reason"]]
    return []


def main(number: str, seed: str, file: str, most_thought_s: str) -> None:
    """Work as operator `number` until SIGTERM."""
    with LedgerFile(Path(file)) as ledger:
        url = os.environ["INCIDENTS_DB"]
        operator = Operator(url, int(number), int(seed), ledger, float(most_thought_s))
        signal.signal(signal.SIGTERM, operator.stop)
        operator.work()


if __name__ == "__main__":
    main(*sys.argv[1:])
