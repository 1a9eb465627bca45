"""The findings of checks, and what else is said of a filing, in the reader's language."""

from __future__ import annotations

from typing import Any

from incidents.console.words import Chosen, findings_zh
from incidents.console.words.chinese import CHINESE
from incidents.filing.checks import finding_words
from incidents.filing.checks.finding import Finding
from incidents.filing.footer import words as footer_words
from incidents.filing.form import DOCUMENT_FIELDS, FIELD_OF, Choice, Field, Section
from incidents.locale.language import Language

_CHINESE = Language(
    phrases=findings_zh.PHRASES | findings_zh.FOOTER | findings_zh.WORDS,
    duration=CHINESE.duration,
    comma=CHINESE.comma,
)
_ENGLISH_WORDS = finding_words.WORDS | footer_words.WORDS
_CHOICES = {"choices": FIELD_OF, "kinds": {"document": DOCUMENT_FIELDS[0]}}


def sentence(language: Chosen, finding: Finding) -> str:
    """What a finding says."""
    if language == "en":
        if finding.code in finding_words.PHRASES:
            return finding_words.sentence(finding)
        return footer_words.sentence(finding)
    facts: dict[str, Any] = {"field": finding.field, **finding.facts, **_choices(finding)}
    return _CHINESE.say(finding.code, **facts)


def source(language: Chosen, told: str) -> str:
    """Where a finding's rule comes from; a standard has one name everywhere."""
    return told if language == "en" else findings_zh.SOURCES.get(told, told)


def need(language: Chosen, why: str) -> str:
    """Why a detail is needed that is missing."""
    return _word(language, "need", why)


def step(language: Chosen, code: str) -> str:
    """What is to be done when an address has changed."""
    return _word(language, "step", code)


def label(language: Chosen, of: Field | Section | Choice) -> str:
    """What the official form calls it."""
    return of.en if language == "en" else of.zh


def detail(language: Chosen, key: str) -> str:
    """The label of a detail; of a server or a document, with the label that it was given."""
    field = FIELD_OF.get(key)
    if field is not None:
        return label(language, field)
    kind, _, own = key.partition(".")
    return f"{_word(language, 'item', kind)} {own}".strip()


def _choices(finding: Finding) -> dict[str, str]:
    """The codes that may be chosen, as they are called."""
    found = {}
    for name, fields in _CHOICES.items():
        field = fields.get(finding.field.partition(".")[0])
        if name in finding.facts and field is not None:
            codes = finding.facts[name].split(", ")
            found[name] = CHINESE.comma.join(field.shown(code)[0] for code in codes)
    return found


def _word(language: Chosen, group: str, code: str) -> str:
    words = _ENGLISH_WORDS if language == "en" else findings_zh.WORDS
    return words.get(f"{group}.{code}") or _ITEMS[language].get(code, code)


_ITEMS: dict[Chosen, dict[str, str]] = {
    "en": {"server": "Server", "document": "Document"},
    "zh": {"server": "服务器", "document": "文件"},
}
