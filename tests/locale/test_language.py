"""The language: the form of the facts in a phrase, and the result without a phrase."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidents.errors import Cause
from incidents.locale.language import ENGLISH, Language
from incidents.locale.language import language as read
from incidents.locale.words import TimeFormat

CHINESE = read("zh_CN")
NOW = datetime(2026, 3, 1, 2, 0, 0, 250, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")


def said(phrase: str, language: Language = ENGLISH, **facts: object) -> str:
    own = Language({**language.phrases, "own": phrase})
    return own.say("own", when=TimeFormat(zone=ZONE, now=NOW, language=own), **facts)


@pytest.mark.parametrize(
    ("phrase", "fact", "english", "chinese"),
    [
        ("{x}", "as it is", "as it is", "as it is"),
        ("{x}", None, "", ""),
        ("{x:,}", 1234, "1,234", "1,234"),
        ("{x!r}", "quoted", "'quoted'", "'quoted'"),
        ("{x}", NOW, "2026-03-01 10:00:00", "2026-03-01 10:00:00"),
        ("{x:when}", "2026-03-01T02:00:00Z", "2026-03-01 10:00", "2026-03-01 10:00"),
        ("{x:exact}", NOW, "2026-03-01 10:00:00.000250", "2026-03-01 10:00:00.000250"),
        ("{x:exact}", NOW.replace(microsecond=0), "2026-03-01 10:00", "2026-03-01 10:00"),
        (
            "{x:until}", NOW + timedelta(minutes=59),
            "2026-03-01 10:59:00 Asia/Shanghai (in 59 min)",
            "2026-03-01 10:59:00 Asia/Shanghai（还有 59 分钟）",
        ),
        ("{x}", timedelta(hours=25), "1 d 1 h", "1 天 1 小时"),
        ("{x:duration}", timedelta(hours=25), "25 h", "25 小时"),
        ("{x}", ["1-1", "1-2"], "1-1, 1-2", "1-1、1-2"),
        ("{x:state}", "unreached", "unreached", "未联系上"),
        ("{x:state}", "painted", "painted", "painted"),
        ("{x:rule}", "repeat", "R1, repeat", "R1 重复违规"),
    ],
)  # fmt: skip
def test_a_fact_is_written_by_its_kind_or_as_the_phrase_says(
    phrase: str, fact: object, english: str, chinese: str
) -> None:
    assert said(phrase, x=fact) == english
    assert said(phrase, CHINESE, x=fact) == chinese


def test_a_cause_is_told_in_the_language_that_has_words_for_it() -> None:
    inner = Cause.of("a_character", "the character {point}", point="U+0000")
    cause = Cause.of("site_character", "it holds {character}", character=inner)
    assert said("{x}", x=cause) == "it holds the character U+0000"
    assert said("{x}", CHINESE, x=cause) == "含有字符 U+0000；请只写主机名"


def test_a_code_without_a_phrase_is_a_mistake() -> None:
    with pytest.raises(KeyError):
        ENGLISH.say("why.painted")


def test_no_sentence_holds_a_shell_command() -> None:
    typed = re.compile(r"\bincidents [a-z]+ ")
    assert {code: said for code, said in ENGLISH.phrases.items() if typed.search(said)} == {}


@pytest.mark.parametrize(
    ("phrase", "fact", "chinese"),
    [
        ("请致电{x}，", "Jonas", "请致电 Jonas，"),
        ("请致电{x}，", "张三", "请致电张三，"),
        ("{x}的电话", "a1", "a1 的电话"),
        ("见 {x} 等", "（1-1）", "见（1-1）等"),
        ("{x}，", "see 1-1", "see 1-1，"),
    ],
)
def test_a_space_stands_between_chinese_and_latin_and_none_beside_a_full_width_mark(
    phrase: str, fact: str, chinese: str
) -> None:
    assert said(phrase, CHINESE, x=fact) == chinese


def test_what_somebody_wrote_stays_as_it_is_within() -> None:
    assert said("“{x}”", CHINESE, x="请看abc （旧）") == "“请看abc （旧）”"


def test_a_list_of_what_is_known_has_the_commas_of_the_language() -> None:
    cause = Cause.of("must_one_of", "one of {known}", known="a, b")
    assert (ENGLISH.cause(cause), CHINESE.cause(cause)) == ("one of a, b", "须为 a、b 之一")
