"""The language: phrases by their ids, and how the facts in them are written.

English is the language of the API, of the record and of its reports, whatever the reader's is."""

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
    """How moments are told: `locale.words.When`."""

    def __call__(self, moment: datetime | str) -> str:
        """The time."""

    def until(self, moment: datetime | str) -> str:
        """The time with its zone and its distance."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """`phrases` by their ids, `group.code` for the words of a group."""

    phrases: Mapping[str, str]

    @property
    def comma(self) -> str:
        """What stands between the things of a list."""
        return self.phrases["list.comma"]

    def say(self, code: str, /, *, when: Callable[[Any], str] | None = None, **facts: Any) -> str:
        """The phrase of that code with its facts; raises KeyError where it has none.

        `when` tells the times among them. A site's name is shown as `site_name.shown` has it.
        """
        told = ""
        for before, name, way, quoted in _parts(self.phrases[code]):
            told = _beside(told, before)
            if name is None:
                continue
            fact = facts[name]
            # Most facts are texts as they stand: a page of the queue has four hundred.
            if quoted:
                told += repr(fact)
            else:
                is_plain = not way and type(fact) is str
                text = shown(fact) if is_plain else format(Fact(self, when, fact), way)
                told = _beside(told, text)
        return told

    def word(self, group: str, code: object) -> str:
        """What a code of the record is called; the code where it has no name.

        Never a KeyError: the record may know more codes than a language.
        """
        return self.phrases.get(f"{group}.{code}", str(code))

    def finding(self, code: str) -> str:
        """What a finding on a filing is called where its facts are not at hand."""
        return self.phrases.get(f"finding.{code}", code.replace("_", " "))

    def cause(self, cause: Cause, when: Callable[[Any], str] | None = None) -> str:
        """Why something was refused; in English where the language has no words for it."""
        code = f"cause.{cause.code}"
        if code not in self.phrases:
            return str(cause)
        return self.say(code, when=when, **self.listed(cause.facts))

    def listed(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        """The facts; what is `known`, a list made in English, has the commas of this language."""
        known = facts.get("known")
        if type(known) is not str:
            return dict(facts)
        return {**facts, "known": known.replace(", ", self.comma)}

    def span(self, length: timedelta) -> str:
        """A span of time, its largest unit and the next one: `1 h 5 min`, `59 min`, `45 s`."""
        seconds = int(length.total_seconds())
        units = [(seconds // size % most, name) for size, name, most in _UNITS]
        first = next((place for place, (n, _) in enumerate(units) if n), len(units))
        told = [self._of_unit(n, name) for n, name in units[first : first + 2] if n]
        return " ".join(told) or self._of_unit(seconds, "s")

    def duration(self, length: timedelta) -> str:
        """A span of time as a policy has it, exact to the second: `24 h`, `1 h 30 min`."""
        seconds = int(length.total_seconds())
        units = [(seconds // size % most, name) for size, name, most in _UNITS_OF_POLICY]
        return " ".join(self._of_unit(n, name) for n, name in units if n) or self._of_unit(0, "s")

    def _of_unit(self, n: int, name: str) -> str:
        return self.phrases[f"unit.{name}"].format(n=n)


def _beside(told: str, more: str) -> str:
    """One text behind the other: between Chinese and Latin a space, none beside a full-width"
    " mark."""
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
    """The phrase as texts, each with the fact that follows it, the way to write that, and whether
    it is quoted."""
    found = Formatter().parse(phrase)
    return tuple((before, name, way or "", quoted == "r") for before, name, way, quoted in found)


class Fact:
    """A fact as a phrase writes it."""

    __slots__ = ("_language", "_value", "_when")

    def __init__(self, language: Language, when: Callable[[Any], str] | None, value: Any) -> None:
        self._language, self._when, self._value = language, when, value

    def __repr__(self) -> str:
        return repr(self._value)

    def __format__(self, way: str) -> str:
        value = self._value
        if value is None:
            return ""
        if way in _IN_TIME:
            return self._time(way)
        if way == "duration":
            # In a document it is a number of seconds.
            length = value if isinstance(value, timedelta) else timedelta(seconds=value)
            return self._language.duration(length)
        if way == "typed":
            from incidents.machine.policy import write_duration

            return write_duration(value)
        if way[:1].isalpha() and way != "or":
            return self._language.word(way, value)
        if isinstance(value, datetime):
            return self._time("when")
        if isinstance(value, timedelta):
            return self._language.span(value)
        if isinstance(value, Cause):
            return self._language.cause(value, self._when)
        if isinstance(value, list | tuple):
            between = self._language.phrases["list.or"] if way == "or" else self._language.comma
            return between.join(shown(str(each)) for each in value)
        return format(shown(value) if isinstance(value, str) else value, way)

    def _time(self, way: str) -> str:
        assert self._when is not None, "a time is told in a zone"
        if way == "until":
            return cast(Times, self._when).until(self._value)
        fraction = f".{self._value.microsecond:06}" if way == "exact" else ""
        return self._when(self._value) + (fraction if fraction.strip(".0") else "")


def message(error: IncidentsError) -> str:
    """An error's own sentence, in English, with the names of sites in it as people read them."""
    told, facts = error.message, {**error.facts, **getattr(error.message, "facts", {})}
    for fact in facts.values():
        for name in fact if isinstance(fact, list | tuple) else [fact]:
            if isinstance(name, str) and (written := shown(name)) != name:
                told = re.sub(rf"(?<![\w./@-]){re.escape(name)}(?![\w/:-])", written, told)
    return told


_IN_TIME = frozenset({"when", "until", "exact"})


@cache
def language(tag: Tag, domain: Domain = "incidents", *, surface: str = "") -> Language:
    """The words of that language: of that domain, and of everybody beneath it.

    A phrase whose id ends in `@console`, say, stands in place of the other where that is the
    `surface`.
    """
    found = phrases(tag, "incidents") | phrases(tag, domain)
    said = {id_: phrase for id_, phrase in found.items() if "@" not in id_}
    for id_, phrase in found.items():
        name, at, own = id_.partition("@")
        if at and own == surface:
            said[name] = phrase
    return Language(said)


ENGLISH = language("en")
