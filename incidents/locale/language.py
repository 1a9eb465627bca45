"""The language: phrases by their codes, and how the facts in them are written; and the English.

English is the language of the command line, of the API, and of the record's reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from string import Formatter
from typing import Any, Protocol

from incidents.errors import Cause
from incidents.locale import event_words, why_words
from incidents.machine.policy import write_duration

_UNITS = ((86_400, "d", 10**9), (3_600, "h", 24), (60, "min", 60))


class Times(Protocol):
    """How moments are told: `locale.words.When`."""

    def __call__(self, moment: datetime | str) -> str:
        """The time."""

    def until(self, moment: datetime | str) -> str:
        """The time with its zone and its distance."""


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """`phrases` by their codes, `word.code` for the words of a group; `duration` writes a span of
    time as a policy has it; `comma` stands between the things of a list."""

    phrases: Mapping[str, str]
    duration: Callable[[timedelta], str]
    comma: str

    def say(self, code: str, /, *, when: Times | None = None, **facts: Any) -> str:
        """The phrase of that code with its facts; raises KeyError where it has none.

        `when` tells the times among them.
        """
        told = []
        for before, name, way, quoted in _parts(self.phrases[code]):
            told.append(before)
            if name is None:
                continue
            fact = facts[name]
            # Most facts are texts as they stand: a page of the queue has four hundred.
            if quoted:
                told.append(repr(fact))
            else:
                is_plain = not way and type(fact) is str
                told.append(fact if is_plain else format(Fact(self, when, fact), way))
        return "".join(told)

    def word(self, group: str, code: object) -> str:
        """What a code of the record is called; the code where it has no name.

        Never a KeyError: the record may know more codes than a language.
        """
        return self.phrases.get(f"{group}.{code}", str(code))

    def finding(self, code: str) -> str:
        """What a finding on a filing is called where its facts are not at hand."""
        return self.phrases.get(f"finding.{code}", code.replace("_", " "))

    def cause(self, cause: Cause, when: Times | None = None) -> str:
        """Why something was refused; in English where the language has no words for it."""
        code = f"cause.{cause.code}"
        return self.say(code, when=when, **cause.facts) if code in self.phrases else str(cause)

    def span(self, length: timedelta) -> str:
        """A span of time, its largest unit and the next one: `1 h 5 min`, `59 min`, `45 s`."""
        seconds = int(length.total_seconds())
        units = [(seconds // size % most, name) for size, name, most in _UNITS]
        first = next((place for place, (n, _) in enumerate(units) if n), len(units))
        told = [self._of_unit(n, name) for n, name in units[first : first + 2] if n]
        return " ".join(told) or self._of_unit(seconds, "s")

    def _of_unit(self, n: int, name: str) -> str:
        return self.phrases[f"unit.{name}"].format(n=n)


@cache
def _parts(phrase: str) -> tuple[tuple[str, str | None, str, bool], ...]:
    """The phrase as texts, each with the fact that follows it, the way to write that, and whether
    it is quoted."""
    found = Formatter().parse(phrase)
    return tuple((before, name, way or "", quoted == "r") for before, name, way, quoted in found)


class Fact:
    """A fact as a phrase writes it."""

    __slots__ = ("_language", "_value", "_when")

    def __init__(self, language: Language, when: Times | None, value: Any) -> None:
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
        if way[:1].isalpha():
            return self._language.word(way, value)
        if isinstance(value, datetime):
            return self._time("when")
        if isinstance(value, timedelta):
            return self._language.span(value)
        if isinstance(value, Cause):
            return self._language.cause(value, self._when)
        if isinstance(value, list | tuple):
            return self._language.comma.join(map(str, value))
        return format(value, way)

    def _time(self, way: str) -> str:
        assert self._when is not None, "a time is told in a zone"
        if way == "until":
            return self._when.until(self._value)
        fraction = f".{self._value.microsecond:06}" if way == "exact" else ""
        return self._when(self._value) + (fraction if fraction.strip(".0") else "")


_IN_TIME = frozenset({"when", "until", "exact"})


RULES = {
    "repeat": "R1, repeat",
    "unreachable": "R2, unreachable",
    "unreachable_run": "R3, unreachable run",
    "false_info": "R4, false information",
    "refusal": "R5, refusal",
}
"""The rules as people name them, by the code in the record."""

_ENGLISH_TIMES = {
    "unit.d": "{n} d",
    "unit.h": "{n} h",
    "unit.min": "{n} min",
    "unit.s": "{n} s",
    "time.in": "in {span}",
    "time.overdue": "{span} overdue",
    "time.ago": "{span} ago",
    "time.until": "{at} {zone} ({left})",
}

ENGLISH = Language(
    phrases=_ENGLISH_TIMES
    | {f"rule.{code}": name for code, name in RULES.items()}
    | event_words.PHRASES
    | why_words.WHY_PHRASES
    | why_words.SCRIPT_PHRASES,
    duration=write_duration,
    comma=", ",
)
