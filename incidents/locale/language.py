"""The language: phrases by their IDs, and the format of the facts in them.

English is the language of the API, of the record and of its reports, whatever the reader's
language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from string import Formatter
from typing import Any, Protocol, cast

from incidents.errors import Cause, IncidentsError
from incidents.locale.catalogue import Domain, phrases
from incidents.values.language_tag import Tag
from incidents.values.site_name import shown

_UNITS = ((86_400, "d", 10**9), (3_600, "h", 24), (60, "min", 60))
_UNITS_OF_POLICY = ((3_600, "h", 10**9), (60, "min", 60), (1, "s", 60))


class Times(Protocol):
    """A formatter of times, such as `locale.words.TimeFormat`."""

    def __call__(self, moment: datetime | str) -> str:
        """Format the time."""

    def until(self, moment: datetime | str) -> str:
        """Format the time with its zone, and how far away it is."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language: `phrases` by their IDs; the ID `group.code` is that of a word in a group."""

    phrases: Mapping[str, str]

    @property
    def comma(self) -> str:
        """The separator of items in a list."""
        return self.phrases["list.comma"]

    def say(self, code: str, /, *, when: Callable[[Any], str] | None = None, **facts: Any) -> str:
        """Return the phrase of that code with its facts; raises KeyError if there is none.

        `when` formats the facts that are times. A site's name is shown as by `site_name.shown`.
        """
        told = ""
        for before, name, spec, quoted in _parts(self.phrases[code]):
            told = _beside(told, before)
            if name is None:
                continue
            fact = facts[name]
            # Most facts are plain texts: a page of the queue has four hundred.
            if quoted:
                told += repr(fact)
            else:
                is_plain = not spec and type(fact) is str
                text = shown(fact) if is_plain else format(Fact(self, when, fact), spec)
                told = _beside(told, text)
        return told

    def word(self, group: str, code: object) -> str:
        """Return the name of a recorded code; the code itself if it has no name.

        This never raises KeyError, because the record might have codes that the language lacks.
        """
        return self.phrases.get(f"{group}.{code}", str(code))

    def finding(self, code: str) -> str:
        """Return the name of a finding in a filing, without its facts."""
        return self.phrases.get(f"finding.{code}", code.replace("_", " "))

    def cause(self, cause: Cause, when: Callable[[Any], str] | None = None) -> str:
        """Return a cause as a sentence; in English if the language has no phrase for it."""
        code = f"cause.{cause.code}"
        if code not in self.phrases:
            return str(cause)
        return self.say(code, when=when, **self.listed(cause.facts))

    def listed(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts; those that are lists in English get this language's separators."""
        return {
            name: fact.replace(", ", self.comma) if name in _LISTS and type(fact) is str else fact
            for name, fact in facts.items()
        }

    def span(self, length: timedelta) -> str:
        """Format a duration with its two largest units: `1 h 5 min`, `59 min`, `45 s`."""
        seconds = int(length.total_seconds())
        units = [(seconds // size % most, name) for size, name, most in _UNITS]
        first = next((place for place, (n, _) in enumerate(units) if n), len(units))
        parts = [self._of_unit(n, name) for n, name in units[first : first + 2] if n]
        return " ".join(parts) or self._of_unit(seconds, "s")

    def duration(self, length: timedelta) -> str:
        """Format a duration as in a policy, exact to the second: `24 h`, `1 h 30 min`."""
        seconds = int(length.total_seconds())
        units = [(seconds // size % most, name) for size, name, most in _UNITS_OF_POLICY]
        return " ".join(self._of_unit(n, name) for n, name in units if n) or self._of_unit(0, "s")

    def _of_unit(self, n: int, name: str) -> str:
        return self.phrases[f"unit.{name}"].format(n=n)


def _beside(told: str, more: str) -> str:
    """Join two texts, with a space between Chinese and Latin, but not at full-width marks."""
    if not told or not more or told[-1] < "\x80" > more[0]:
        return told + more
    if _EDGE.search(told[-1] + more[0]):
        return f"{told} {more}"
    if told[-1] in _MARKS and more[0] == " ":
        return told + more[1:]
    if told[-1] == " " and more[0] in _MARKS:
        return told[:-1] + more
    return told + more


_EDGE = re.compile("[\u4e00-\u9fff][0-9A-Za-z]|[0-9A-Za-z][\u4e00-\u9fff]")
_MARKS = frozenset("，。；：！？、（）")


@cache
def _parts(phrase: str) -> tuple[tuple[str, str | None, str, bool], ...]:
    """Split a phrase into texts, each with the next fact, its format, and whether it is quoted."""
    found = Formatter().parse(phrase)
    return tuple((before, name, spec or "", quoted == "r") for before, name, spec, quoted in found)


class Fact:
    """A fact in the form in which a phrase shows it."""

    __slots__ = ("_language", "_value", "_when")

    def __init__(self, language: Language, when: Callable[[Any], str] | None, value: Any) -> None:
        self._language, self._when, self._value = language, when, value

    def __repr__(self) -> str:
        return repr(self._value)

    def __format__(self, spec: str) -> str:
        value = self._value
        if value is None:
            return ""
        if spec in _TIME_SPECS:
            return self._time(spec)
        if spec == "duration":
            # In a document it is a number of seconds.
            length = value if isinstance(value, timedelta) else timedelta(seconds=value)
            return self._language.duration(length)
        if spec == "typed":
            from incidents.machine.policy import write_duration

            return write_duration(value)
        if isinstance(value, Cause):
            return self._language.cause(value, self._when)
        if spec[:1].isalpha() and spec != "or":
            return self._language.word(spec, value)
        if isinstance(value, datetime):
            return self._time("when")
        if isinstance(value, timedelta):
            return self._language.span(value)
        if isinstance(value, list | tuple):
            between = self._language.phrases["list.or"] if spec == "or" else self._language.comma
            return between.join(shown(str(each)) for each in value)
        return format(shown(value) if isinstance(value, str) else value, spec)

    def _time(self, spec: str) -> str:
        assert self._when is not None, "a time needs a zone"
        if spec == "until":
            return cast(Times, self._when).until(self._value)
        fraction = f".{self._value.microsecond:06}" if spec == "exact" else ""
        return self._when(self._value) + (fraction if fraction.strip(".0") else "")


def message(error: IncidentsError) -> str:
    """Return an error's own English sentence, with site names in the format for people."""
    text, facts = error.message, {**error.facts, **getattr(error.message, "facts", {})}
    for fact in facts.values():
        for name in fact if isinstance(fact, list | tuple) else [fact]:
            if isinstance(name, str) and (written := shown(name)) != name:
                text = re.sub(rf"(?<![\w./@-]){re.escape(name)}(?![\w/:-])", written, text)
    return text


_LISTS = frozenset({"hosts", "known", "sites"})
"""Facts that are lists, as texts without a comma."""
_TIME_SPECS = frozenset({"when", "until", "exact"})


@cache
def language(tag: Tag, domain: Domain = "incidents", *, surface: str = "") -> Language:
    """Return the phrases of a language and domain, in addition to those for every surface.

    A phrase whose ID ends in `@console`, for example, replaces the phrase without this ending if
    that is the `surface`.
    """
    found = phrases(tag, "incidents") | phrases(tag, domain)
    chosen = {id_: phrase for id_, phrase in found.items() if "@" not in id_}
    for id_, phrase in found.items():
        name, at, own = id_.partition("@")
        if at and own == surface:
            chosen[name] = phrase
    return Language(chosen)


ENGLISH = language("en")
