"""The words of the console, in the language that a reader wants: English or Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from incidents.console.words import (
    chinese,
    desk_en,
    desk_zh,
    english,
    figures_en,
    figures_zh,
    work_en,
    work_zh,
)
from incidents.console.words.chinese import CHINESE
from incidents.console.words.english import CONSOLE_ENGLISH
from incidents.locale.language import Language

Chosen = Literal["en", "zh"]
"""Which of the languages somebody reads."""

LANGUAGES: tuple[Chosen, ...] = get_args(Chosen)
TAGS: dict[Chosen, str] = {"en": "en", "zh": "zh-CN"}
NAMES: dict[Chosen, str] = {"en": "English", "zh": "简体中文"}

_TEXTS: dict[Chosen, Mapping[str, str]] = {
    "en": desk_en.TEXTS
    | english.NAMES
    | work_en.TROUBLE
    | work_en.WORK
    | figures_en.TEXTS
    | work_en.FILING,
    "zh": desk_zh.TEXTS
    | chinese.NAMES
    | work_zh.TROUBLE
    | work_zh.WORK
    | figures_zh.TEXTS
    | work_zh.FILING,
}
_SPOKEN: dict[Chosen, Language] = {"en": CONSOLE_ENGLISH, "zh": CHINESE}


def texts(language: Chosen) -> Mapping[str, str]:
    """All texts of that language, by their keys; both languages have the same."""
    return _TEXTS[language]


def spoken(language: Chosen) -> Language:
    """The language in which the record is told."""
    return _SPOKEN[language]


def chosen(cookie: str | None, accepted: str) -> Chosen:
    """The language of the switch, else the first one that the browser accepts, else English."""
    for language in LANGUAGES:
        if cookie == language:
            return language
    wanted = sorted(map(_weighed, accepted[:500].split(",")), key=lambda each: -each[1])
    for tag, weight in wanted:
        for language in LANGUAGES:
            if weight > 0 and tag.split("-")[0] == language:
                return language
    return "en"


def _weighed(part: str) -> tuple[str, float]:
    """A tag of Accept-Language with its weight (RFC 9110, section 12.5.4)."""
    tag, _, rest = part.strip().lower().partition(";")
    try:
        return tag, float(rest.strip().removeprefix("q=")) if rest else 1.0
    except ValueError:
        return tag, 0.0
