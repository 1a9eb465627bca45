"""The words of the console, in English and in Chinese; and which of them a reader wants."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

from incidents.console.words import en, figures_en, figures_zh, work_en, work_zh, zh

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
TAGS: dict[Language, str] = {"en": "en", "zh": "zh-CN"}
NAMES: dict[Language, str] = {"en": "English", "zh": "简体中文"}

_TEXTS: dict[Language, Mapping[str, str]] = {
    "en": en.TEXTS | work_en.TEXTS | figures_en.TEXTS,
    "zh": zh.TEXTS | work_zh.TEXTS | figures_zh.TEXTS,
}


def texts(language: Language) -> Mapping[str, str]:
    """All texts of that language, by their keys; both languages have the same."""
    return _TEXTS[language]


def chosen(cookie: str | None, accepted: str) -> Language:
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
