"""The history: what is on record after it, what each command answered, and what went out."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.databases import sqlite_folder
from tests.golden import forms, transcript
from tests.golden.play import CommandOutput, Stage, stage
from tests.outbound.rig import Handler, Receiver, Seen, receiver

HISTORY, REFUSALS = "history.txt", "refusals.txt"
ANSWERS = {"down.example": 410, "silent.example": 503}
"""The receiver's answers to orders for these sites; for others it has done them."""


@dataclass(frozen=True)
class Played:
    """The result: the golden files, and the names of the commands that were decided."""

    files: dict[str, str]
    decided: frozenset[str]


def play() -> Played:
    """Play the history twice, for programs and for people, and then what is refused."""
    with _staged() as (desk, there):
        answered = list(desk.play(HISTORY, more=("--json",)))
        entries = _entries(desk)
        sent = list(there.seen)
        refused = list(desk.play(REFUSALS, more=("--json",)))
        decided = frozenset(desk.decided)
    with _staged() as (desk, _):
        shown = list(desk.play(HISTORY))
        again = _entries(desk)
        _, link, _ = desk.run("link", forms.INCIDENT, "-q")
        desk.chance.begin("forms")
        on_pages = forms.files(link.strip(), desk.clock)
    _compare(answered, shown)
    assert again == entries, "the record depends on who asks, or on chance"
    files = {
        "entries.jsonl": entries,
        "answers.txt": transcript.structure(answered),
        "answers.words.txt": transcript.wording(answered),
        "shown.words.txt": transcript.seen(shown),
        "refusals.txt": transcript.structure(refused),
        "refusals.words.txt": transcript.wording(refused),
        "webhooks.txt": _webhooks(sent),
    } | on_pages
    return Played(files, decided)


@contextmanager
def _staged() -> Iterator[tuple[Stage, Receiver]]:
    with (
        sqlite_folder() as databases,
        databases.at_head() as url,
        tempfile.TemporaryDirectory() as folder,
        receiver(_answer) as there,
        stage(url, Path(folder), webhook=there.url) as desk,
    ):
        yield desk, there


def _answer(request: Handler) -> None:
    if request.command == "GET":
        request.answer(200, b'{"state":"active"}')
    else:
        request.answer(ANSWERS.get(json.loads(request.body)["data"]["site"], 204))


def _entries(desk: Stage) -> str:
    """The record, byte for byte."""
    status, _, told = desk.run("audit", "export", "-o", "entries.jsonl")
    assert status == 0, told
    return Path("entries.jsonl").read_bytes().decode()


def _compare(answered: Sequence[CommandOutput], shown: Sequence[CommandOutput]) -> None:
    for program, person in zip(answered, shown, strict=True):
        assert program.status == person.status, program.line.command


def _webhooks(sent: Sequence[Seen]) -> str:
    """The requests. The receiver has another port each time, so `host` has its name alone."""
    names = {name for seen in sent if seen.method == "POST" for name in seen.headers}
    lines = [f"headers {' '.join(sorted(names))}"]
    for seen in sent:
        told = seen.headers
        signed = f"{told['webhook-id']} {told['webhook-timestamp']} {told['webhook-signature']}"
        lines.append(f"{seen.method} {seen.path} {signed} {seen.body.decode()}".rstrip())
    return "".join(f"{line}\n" for line in lines)
