"""The languages of the console, and the choice of the reader's language."""

from __future__ import annotations

from typing import Literal, get_args

from incidents.locale.language import Language, language
from incidents.values.language_tag import Tag

Chosen = Literal["en", "zh"]
"""The languages that a reader can choose."""

LANGUAGES: tuple[Chosen, ...] = get_args(Chosen)
TAGS: dict[Chosen, str] = {"en": "en", "zh": "zh-CN"}
NAMES: dict[Chosen, str] = {"en": "English", "zh": "简体中文"}

_CATALOGUES: dict[Chosen, Tag] = {"en": "en", "zh": "zh_CN"}


def spoken(chosen_: Chosen) -> Language:
    """Return all texts of the pages and all sentences about the record in that language."""
    return language(_CATALOGUES[chosen_], "console", surface="console")


def found(chosen_: Chosen) -> Language:
    """Return the phrases for the findings of checks in that language."""
    return language(_CATALOGUES[chosen_], "filing", surface="console")


def chosen(cookie: str | None, accepted: str) -> Chosen:
    """Return the reader's choice, or the browser's first supported language, or English."""
    for each in LANGUAGES:
        if cookie == each:
            return each
    wanted = sorted(map(_weighed, accepted[:500].split(",")), key=lambda each: -each[1])
    for tag, weight in wanted:
        for each in LANGUAGES:
            if weight > 0 and tag.split("-")[0] == each:
                return each
    return "en"


def _weighed(part: str) -> tuple[str, float]:
    """A tag of an Accept-Language header, and its weight (RFC 9110, section 12.5.4)."""
    tag, _, rest = part.strip().lower().partition(";")
    try:
        return tag, float(rest.strip().removeprefix("q=")) if rest else 1.0
    except ValueError:
        return tag, 0.0
