"""The ledger: what one operator writes down itself, each act before it is sent and each answer.

A file of JSON Lines that only grows; each line is one write(2), so that an operator that is killed
keeps every line that the kernel took. A line that was cut short was never finished: an intent that
was not sent, or an answer that nobody has seen. Both are as if they had not been written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

DESK = ""
"""The site of acts that belong to none: a policy that is activated."""

ANSWER = b'{"answer":'
"""The prefix of a line with an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """An act that is about to be sent, perhaps again, under `key`.

    `kind` is the kind of entry that it makes when it takes effect (`incident_logged`, …), `site`
    the name of its site, `actor` the person that the entry will show. An actor of its own for each
    act (`operator-1-17`) makes the check exact; shared ones are told apart by what was answered.
    """

    key: str
    site: str
    actor: str
    kind: str
    command: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry that an answer names: its place, kind and actor (the clock's, for what was due)."""

    site_id: int
    site_seq: int
    kind: str
    actor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The answer: what the act has written, or the name of the refusal (with what was due)."""

    key: str
    refusal: str | None = None
    entries: tuple[Entry, ...] = ()


@dataclass(slots=True)
class Ledger:
    """All that one operator has written down; an answer to a repetition must be the first one."""

    intents: dict[str, Intent] = field(default_factory=dict)
    acknowledgements: dict[str, list[Acknowledgement]] = field(default_factory=dict)
    cut_short: int = 0
    """The acts sent again because nobody had seen their answers."""
    asked_again: int = 0
    """The acts sent again although they had been answered."""

    def intend(self, intent: Intent) -> None:
        """Write down that the act is about to be sent."""
        again, answered = intent.key in self.intents, intent.key in self.acknowledgements
        self.cut_short += again and not answered
        self.asked_again += answered
        self.intents[intent.key] = intent

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Write down what was answered."""
        self.acknowledgements.setdefault(acknowledgement.key, []).append(acknowledgement)

    @property
    def unacknowledged(self) -> list[Intent]:
        """The acts that nobody knows the outcome of."""
        return [i for key, i in self.intents.items() if key not in self.acknowledgements]


class LedgerFile:
    """A ledger on disk, open for an operator that may die at any moment."""

    def __init__(self, file: Path) -> None:
        self.ledger = read(file)
        self._file = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        # A predecessor's line cut off by its death stays a line of its own.
        os.write(self._file, b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def intend(self, intent: Intent) -> None:
        """Write down that the act is about to be sent; only then may it be sent."""
        self.ledger.intend(intent)
        self._write({"intent": _plain(intent)})

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Write down what was answered."""
        self.ledger.acknowledge(acknowledgement)
        entries = [_plain(entry) for entry in acknowledgement.entries]
        self._write({"answer": _plain(acknowledgement) | {"entries": entries}})

    def _write(self, line: dict[str, Any]) -> None:
        text = json.dumps(line, separators=(",", ":")).encode() + b"\n"
        written = os.write(self._file, text)
        assert written == len(text), "a line was cut short, and the act must not be sent"


def read(file: Path) -> Ledger:
    """The contents of the file; empty if there is none."""
    lines = file.read_bytes().split(b"\n") if file.exists() else []
    return from_lines(lines)


def from_lines(lines: Iterable[bytes]) -> Ledger:
    """Parse the lines, without those that were cut short."""
    ledger = Ledger()
    for line in lines:
        try:
            said = json.loads(line)
        except ValueError:
            continue
        if "intent" in said:
            ledger.intend(Intent(**said["intent"]))
        else:
            answer = said["answer"]
            entries = tuple(Entry(**entry) for entry in answer["entries"])
            ledger.acknowledge(Acknowledgement(**(answer | {"entries": entries})))
    return ledger


def acknowledgement(key: str, document: Mapping[str, Any], refusal: str | None) -> Acknowledgement:
    """The answer that the desk or the command line gave as `document` (`site`, `events`, …)."""
    # An act refused before it reached a site has written nothing.
    site: Mapping[str, Any] = document.get("site") or {}
    events = document["events"] if site else []
    return Acknowledgement(
        key=key,
        refusal=refusal,
        entries=tuple(
            Entry(site_id=site["id"], site_seq=e["seq"], kind=e["kind"], actor=e["by"])
            for e in events
        ),
    )


def _plain(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}
