"""The transcript: what commands answered, as lines, what programs read apart from wording."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tests.golden.play import CommandOutput

WORDS = frozenset(
    {
        "detail", "expected", "message", "needs", "outside", "say", "sentence", "source", "text",
        "title", "way_out", "what", "when", "where", "words", "would_change",
    }
)  # fmt: skip
"""The keys of the program's documents under which texts for people stand."""
LOGGED = '{"logger":'
"""The prefix of a line of the process's own log, which is no answer."""


def structure(said: Iterable[CommandOutput]) -> str:
    """The documents without the wording, with the exit status of each command."""
    return _blocks(said, _document_lines)


def wording(said: Iterable[CommandOutput]) -> str:
    """The wording in the documents, and what is no document."""
    return _blocks(said, _wording_lines)


def seen(said: Iterable[CommandOutput]) -> str:
    """The visible output: standard output after |, standard error after !."""
    return _blocks(said, _seen_lines)


def _blocks(said: Iterable[CommandOutput], lines: Any) -> str:
    text = ""
    for each in said:
        if told := "".join(f"    {line}\n" for line in lines(each)):
            text += f"$ {each.line.command}\n{told}"
    return text


def _document_lines(said: CommandOutput) -> Iterator[str]:
    yield f"exit status {said.status}"
    for document in _documents(said):
        yield from _flat("", _without_words(document))


def _wording_lines(said: CommandOutput) -> Iterator[str]:
    documents = list(_documents(said))
    for document in documents:
        yield from _words("", document)
    if not documents:
        yield from _seen_lines(said)


def _seen_lines(said: CommandOutput) -> Iterator[str]:
    yield from (f"| {line}".rstrip() for line in said.out.splitlines())
    yield from (
        f"! {line}".rstrip() for line in said.err.splitlines() if not line.startswith(LOGGED)
    )


def _documents(said: CommandOutput) -> Iterator[Any]:
    """The JSON that was written: the answer, or the refusal on standard error."""
    for text in (said.out, said.err):
        if text.startswith(("{", "[")) and not text.startswith(LOGGED):
            yield json.loads(text)


def _flat(where: str, value: Any) -> Iterator[str]:
    """A line for each part of a document, and for each thing in a list of such."""
    if isinstance(value, dict) and not where:
        for key, each in sorted(value.items()):
            yield from _flat(key, each)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for at, each in enumerate(value):
            yield f"{where}[{at}] {_json(each)}"
    else:
        yield f"{where} {_json(value)}"


def _without_words(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_words(each) for each in value]
    if isinstance(value, dict):
        return {
            key: "…" if _is_wording(key, each) else _without_words(each)
            for key, each in value.items()
        }
    return value


def _words(where: str, value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _words(f"{where}[{at}]", each)
    elif isinstance(value, Mapping):
        for key, each in sorted(value.items()):
            place = f"{where}.{key}" if where else key
            if not _is_wording(key, each):
                yield from _words(place, each)
            elif isinstance(each, list):
                yield from (f"{place}[{at}] {_json(one)}" for at, one in enumerate(each))
            else:
                yield f"{place} {_json(each)}"


def _is_wording(key: str, value: Any) -> bool:
    # A commitment to people's own words is none of the program's.
    is_text = isinstance(value, str | list | dict) and bool(value)
    return key in WORDS and is_text and not str(value).startswith("sha256:")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
