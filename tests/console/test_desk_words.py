"""The words of the console: both languages say all of it, and name the same facts."""

import re

import pytest

from incidents import event_words, refusal_words
from incidents.console.words import chosen, events_zh, refusals_zh, texts
from incidents.errors import RefusedError
from incidents.machine import refusals

_FACT = re.compile(r"\{(\w+)")


def test_both_languages_have_the_same_texts_with_the_same_facts() -> None:
    english, chinese = texts("en"), texts("zh")
    assert english.keys() == chinese.keys()
    for key, text in english.items():
        assert set(_FACT.findall(text)) == set(_FACT.findall(chinese[key])), key


def test_every_kind_of_event_and_every_refusal_of_an_act_at_the_desk_has_chinese_words() -> None:
    of_console = refusals.SENTENCES.keys()
    assert of_console <= refusals_zh.SENTENCES.keys()
    for kind in event_words.SENTENCES:
        assert f"event.{kind}" in texts("zh"), kind
    known = refusals.SENTENCES.keys() | refusals.REMARKS.keys() | refusal_words.SENTENCES.keys()
    errors = {each.__name__ for each in RefusedError.__subclasses__()}
    assert errors
    assert events_zh.SENTENCES.keys() <= event_words.SENTENCES.keys()
    assert {"claimed", "changed_meanwhile", "too_late"} <= known


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        (None, "", "en"),
        (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "en;q=0.2, zh;q=0.7", "zh"),
        (None, "fr, de;q=0.5", "en"),
        (None, "zh;q=0", "en"),
        (None, "zh;q=x,,;", "en"),
        ("en", "zh", "en"),
        ("zh", "en", "zh"),
        ("xx", "zh", "zh"),
    ],
)
def test_the_switch_comes_before_what_the_browser_accepts(
    cookie: str | None, accepted: str, expected: str
) -> None:
    assert chosen(cookie, accepted) == expected
