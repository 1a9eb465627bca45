"""Errors in a language: as the sentence of a catalogue, with the error's facts.

The English sentence is part of the error (its docstring). The catalogues of other languages have a
phrase with the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from string import Formatter
from typing import Any

from incidents.errors import Cause, IncidentsError, LibraryError, RefusedError
from incidents.locale import refusals
from incidents.locale.language import Language, message

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_CHINESE = re.compile("[一-鿿]")
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")
_QUOTED = frozenset({"detail", "expected", "fault", "reason", "way_out", "why"})
"""Facts that are quoted unchanged, because they come from the system or a library."""
_OF_DESK = ("at", "now")
"""Facts that are times which the program itself says, and nobody typed."""


def english(error: IncidentsError, when: Callable[[Any], str]) -> str:
    """The error's own sentence, with its times as `when` formats them for people."""
    said = message(error)
    facts = {**error.facts, **getattr(error.message, "facts", {})}
    for value in (facts.get(name) for name in _OF_DESK):
        if isinstance(value, str) and _TIME.fullmatch(value):
            said = said.replace(value, when(value))
    return said


def translated(error: IncidentsError, spoken: Language, when: Callable[[Any], str]) -> str | None:
    """The error's sentence in that language; None if it has no phrase that fits the facts."""
    try:
        return _sentence(error, spoken, when)
    except (KeyError, TypeError, ValueError):
        # A server of another version may have other facts, or another form of them.
        return None


def _sentence(error: IncidentsError, spoken: Language, when: Callable[[Any], str]) -> str | None:
    own = error.message
    if isinstance(own, Cause) and own.facts is not error.facts:
        id_ = f"error.{own.code}"
        if id_ in spoken.phrases:
            return spoken.say(id_, when=when, **spoken.listed(own.facts))
        return spoken.cause(own, when)
    told = spoken.listed(error.facts)
    facts = {name: _fact(spoken, name, value) for name, value in told.items()}
    found = phrase(spoken.phrases, error, facts)
    if found is not None:
        return _with_library(spoken, error, spoken.say(found, when=when, **facts))
    if not isinstance(error, RefusedError):
        return None
    return refusals.sentence_for(error.name, facts, when, spoken)


def phrase(
    phrases: Mapping[str, str], error: IncidentsError, facts: dict[str, object]
) -> str | None:
    """The ID of the first phrase for the error that needs only facts that the error has."""
    for id_ in _ids(error, facts):
        named = {name for _, name, _, _ in Formatter().parse(phrases.get(id_, "")) if name}
        if id_ in phrases and named <= facts.keys():
            return id_
    return None


def _ids(error: IncidentsError, facts: dict[str, object]) -> Iterator[str]:
    """Yield the IDs of phrases for an error, the most specific first.

    They are `error.NAME`, where NAME comes first from the class, then from the code, because
    several classes can share a code. Before each come the IDs `error.NAME.FACT`, the last fact
    first.
    """
    of_class = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    for name in dict.fromkeys((of_class.removesuffix("_error"), error.name)):
        yield from (f"error.{name}.{fact}" for fact in reversed(facts) if facts[fact])
        yield f"error.{name}"


def _fact(spoken: Language, name: str, value: Any) -> Any:
    if isinstance(value, Cause) or not isinstance(value, str):
        return value
    # A Chinese text was already made for this reader.
    if name in _QUOTED and not _CHINESE.search(value):
        known = spoken.phrases.get(f"system.{_ERRNO.sub('', value)}")
        return known or spoken.say("quoted", text=value)
    if _TIME.fullmatch(value):
        # Servers give facts as JSON has them.
        return datetime.fromisoformat(value)
    return value


def _with_library(spoken: Language, error: IncidentsError, sentence: str) -> str:
    """Add how to install the missing library to the sentence."""
    if not isinstance(error, LibraryError):
        return sentence
    return spoken.say("error.library.install", sentence=sentence, way_out=error.way_out)
