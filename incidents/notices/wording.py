"""The wording of notices, from templates that the operator can override."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents.locale.language import language as words_of
from incidents.locale.words import TimeFormat
from incidents.notices import samples, templating
from incidents.notices.facts import AnyFacts, Finding, template_facts
from incidents.notices.letter import DeskContact, Letter
from incidents.notices.notice_types import LANGUAGES, NOTICES
from incidents.notices.templating import blocks, one_line

if TYPE_CHECKING:
    from jinja2 import Environment

_ZONES = {"zh_CN": {"Asia/Shanghai": "北京时间"}, "en": {"Asia/Shanghai": "Beijing time"}}
_UNITS = {
    "zh_CN": ("天", "小时", "分钟", "秒"),
    "en": ("day", "hour", "minute", "second"),
}
_DAY_S, _HOUR_S, _MINUTE_S = 86_400, 3_600, 60


def time(moment: datetime, zone: tzinfo, language: str) -> str:
    """The time in `zone`, followed by the zone's name."""
    when = TimeFormat(zone=zone, now=moment)
    name = _ZONES[language].get(when.zone_name, when.zone_name)
    return f"{when(moment)}（{name}）" if language == "zh_CN" else f"{when(moment)} ({name})"


def _parts(length: timedelta) -> list[int]:
    """The duration in days, hours, minutes and seconds; less than two days in hours, such as 36."""
    seconds = round(length.total_seconds())
    days = 0 if seconds < 2 * _DAY_S else seconds // _DAY_S
    seconds -= days * _DAY_S
    return [
        days, seconds // _HOUR_S, seconds % _HOUR_S // _MINUTE_S, seconds % _MINUTE_S,
    ]  # fmt: skip


def _duration_zh(length: timedelta) -> str:
    units = zip(_parts(length), _UNITS["zh_CN"], strict=True)
    return " ".join(f"{n} {unit}" for n, unit in units if n) or "0 秒"


def _duration_en(length: timedelta) -> str:
    units = zip(_parts(length), _UNITS["en"], strict=True)
    return " ".join(f"{n} {unit}{'' if n == 1 else 's'}" for n, unit in units if n) or "0 seconds"


def _times_zh(number: int) -> str:
    return f"{number} 次"


def _times_en(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


DURATIONS: dict[str, Callable[[timedelta], str]] = {"zh_CN": _duration_zh, "en": _duration_en}
"""Functions that format a duration in each language: 12 小时, 1 小时 30 分钟; 12 hours, 1 hour 30
minutes."""

TIMES: dict[str, Callable[[int], str]] = {"zh_CN": _times_zh, "en": _times_en}
"""Functions that format a number of times in each language: 3 次; once, twice, 3 times."""


PAGE = "letter.html.jinja"
HALTED_FRAME, HALTED = "_of_a_copy", "alarm_halted"
"""The frame around alarms from a halted database, and the alarm that needs no frame."""
MAX_SUBJECT = 200
MAX_TEXT = 2_100
"""The maximum number of characters in a fact: an address has 2,048 at most."""

_SUFFIX = ".txt.jinja"
_SEPARATOR = "\n\n" + "─" * 30 + "\n\n"
_TAGS = {"zh_CN": "zh-CN", "en": "en"}


class Wording:
    """The wording in `languages`, in that order; times are shown in `zone`.

    A template in `folder`, such as `zh_CN/closed.txt.jinja`, overrides the built-in template. One
    instance serves several threads; a changed template is used from the next letter on.
    """

    def __init__(
        self,
        office: DeskContact,
        zone: tzinfo,
        *,
        languages: tuple[str, ...] = LANGUAGES,
        folder: Path | None = None,
    ) -> None:
        self.languages = languages
        self._office = office
        self._zone = zone
        self._folder = folder

    def in_language(self, language: str) -> Wording:
        """A wording in only that language."""
        return Wording(self._office, self._zone, languages=(language,), folder=self._folder)

    def letter(self, name: str, facts: AnyFacts, id_: str) -> Letter:
        """The notice of that name as one letter in all languages, with that ID.

        Raises:
            TemplateError: naming the file and the line.
        """
        parts = {language: self.render(name, facts, language) for language in self.languages}
        subject = one_line(" / ".join(subject for subject, _ in parts.values()), MAX_SUBJECT)
        return Letter(
            id=id_,
            subject=subject,
            text=_SEPARATOR.join(text for _, text in parts.values()) + "\n",
            html=self._page(subject, parts, getattr(facts, "link", None)),
            languages=self.languages,
        )

    def render(self, name: str, facts: AnyFacts, language: str) -> tuple[str, str]:
        """The subject and the text of a notice in one language. Raises the same errors as `letter`.

        The first line of a template is the subject, the rest is the text.
        """
        shown = _on_one_line(template_facts(facts)) | {"office": self._office}
        jinja = _environment(self._folders(language), self._zone, language)
        subject, text = _split_subject(templating.render(jinja, name + _SUFFIX, shown))
        if shown.get("halted_since") is not None and name != HALTED:
            framed = shown | {"subject": subject, "text": text}
            return _split_subject(templating.render(jinja, HALTED_FRAME + _SUFFIX, framed))
        return subject, text

    def time(self, moment: datetime, language: str) -> str:
        """The time in the format of that language."""
        return time(moment, self._zone, language)

    def check(self) -> None:
        """Check each template in each language, with each possible value of each fact.

        Raises:
            TemplateError: for the first template that is wrong.
        """
        for name in NOTICES:
            for facts in samples.variants(name):
                self.letter(name, facts, "12-o45")

    def own_template(self, name: str, language: str) -> Path | None:
        """The operator's file for that notice; None if the built-in template is used."""
        if self._folder is None:
            return None
        file = self._folder / language / (name + _SUFFIX)
        # Unlike Path.is_file, it does not raise if the folder cannot be entered.
        return file if os.path.isfile(file) else None  # noqa: PTH113

    def _page(self, subject: str, parts: Mapping[str, tuple[str, str]], link: str | None) -> str:
        shown = {
            "subject": subject,
            "link": link,
            "parts": [
                {"tag": _TAGS[language], "subject": heading, "blocks": blocks(text)}
                for language, (heading, text) in parts.items()
            ],
        }
        return templating.render(_pages(self._folders("")), PAGE, shown)

    def _folders(self, language: str) -> tuple[Path, ...]:
        own = () if self._folder is None else (self._folder / language,)
        return (*own, templating.SHIPPED / language)


# Compiling the templates takes longer than rendering a letter.
@lru_cache
def _environment(folders: tuple[Path, ...], zone: tzinfo, language: str) -> Environment:
    filters: dict[str, Callable[..., str]] = {
        "time": lambda moment: time(moment, zone, language),
        "duration": DURATIONS[language],
        "times": TIMES[language],
        "category": partial(words_of(language).word, "category"),
        "problem": partial(words_of(language).word, "problem"),
        "order": partial(words_of(language).word, "order"),
    }
    return templating.environment(folders, filters)


@lru_cache
def _pages(folders: tuple[Path, ...]) -> Environment:
    return templating.environment(folders, {})


def _split_subject(written: str) -> tuple[str, str]:
    subject, _, text = written.strip().partition("\n")
    return one_line(subject, MAX_SUBJECT), templating.without_extra_lines(text)


def _on_one_line(value: Any) -> Any:
    """The facts with each text on one line, so that none can begin a paragraph."""
    if isinstance(value, str):
        return one_line(value, MAX_TEXT)
    if isinstance(value, dict):
        return {name: _on_one_line(inner) for name, inner in value.items()}
    if isinstance(value, tuple):
        return tuple(_on_one_line(inner) for inner in value)
    if isinstance(value, Finding):
        return {name: _on_one_line(getattr(value, name)) for name in Finding.__slots__}
    return value
