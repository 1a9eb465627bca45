"""What went wrong, in the words of the run's language.

English is made with the error (its docstring); the catalogues of other languages have a phrase for
it, with the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from string import Formatter
from typing import TYPE_CHECKING, Any

from incidents.errors import Cause, IncidentsError, LibraryError, RefusedError
from incidents.locale.language import Language, language, message

if TYPE_CHECKING:
    from incidents.cli.run import Run

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_CHINESE = re.compile("[一-鿿]")
_QUOTED = frozenset({"detail", "expected", "fault", "reason", "way_out", "why"})
"""What the system or a library says is quoted as it is."""


def told(run: Run, error: IncidentsError) -> str:
    """The error's sentence; in English where the language has no words for it."""
    spoken = run.language
    if spoken is language("en", "cli"):
        return message(error)
    try:
        sentence = _sentence(run, spoken, error)
    except (KeyError, TypeError, ValueError):
        # A server of another version knows other facts, or writes them in another way.
        sentence = None
    # A page's sentence ends with its stop; after the program's name stands none.
    return (sentence or message(error)).removesuffix("。")


def _sentence(run: Run, spoken: Language, error: IncidentsError) -> str | None:
    when = run.when if "settings" in run.__dict__ else str
    own = error.message
    if isinstance(own, Cause) and own.facts is not error.facts:
        id_ = f"error.{own.code}"
        if id_ in spoken.phrases:
            return spoken.say(id_, when=when, **own.facts)
        return spoken.cause(own, when)
    facts = {name: _fact(spoken, name, value) for name, value in error.facts.items()}
    found = phrase(spoken.phrases, error, facts)
    if found is not None:
        return _with_library(spoken, error, spoken.say(found, when=when, **facts))
    if not isinstance(error, RefusedError):
        return None
    from incidents.locale import refusals

    return refusals.sentence_for(error.name, facts, when, spoken)


def phrase(
    phrases: Mapping[str, str], error: IncidentsError, facts: dict[str, object]
) -> str | None:
    """The id of the first phrase for that error which names no fact that it lacks."""
    for id_ in _ids(error, facts):
        named = {name for _, name, _, _ in Formatter().parse(phrases.get(id_, "")) if name}
        if id_ in phrases and named <= facts.keys():
            return id_
    return None


def _ids(error: IncidentsError, facts: dict[str, object]) -> Iterator[str]:
    """`error.NAME` by the class, then by the name for programs, which several classes may share;
    before each, `error.NAME.FACT` where more is known, the last fact first."""
    of_class = re.sub(r"(?<!^)(?=[A-Z])", "_", type(error).__name__).lower()
    for name in dict.fromkeys((of_class.removesuffix("_error"), error.name)):
        yield from (f"error.{name}.{fact}" for fact in reversed(facts) if facts[fact])
        yield f"error.{name}"


def _fact(spoken: Language, name: str, value: Any) -> Any:
    if isinstance(value, Cause) or not isinstance(value, str):
        return value
    if name == "known":
        return value.replace(", ", spoken.comma)
    # What stands in Chinese already was made for this reader.
    if name in _QUOTED and not _CHINESE.search(value):
        return spoken.say("quoted", text=value)
    if _TIME.fullmatch(value):
        # Servers give facts as JSON has them.
        return datetime.fromisoformat(value)
    return value


def _with_library(spoken: Language, error: IncidentsError, sentence: str) -> str:
    """Where a library is missing, how to install it."""
    if not isinstance(error, LibraryError):
        return sentence
    extra = error.facts.get("extra") or error.extra
    return spoken.say("error.library.install", sentence=sentence, extra=extra)
