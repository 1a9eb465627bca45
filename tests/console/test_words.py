"""The words of the console: both languages say all of it, and name the same facts."""

import re
from datetime import timedelta
from string import Formatter

import pytest

from incidents.accounts import identity
from incidents.console.languages import LANGUAGES, Chosen, chosen, spoken
from incidents.console.pages import incident, site
from incidents.errors import RefusedError
from incidents.history import rows as intake_causes
from incidents.history import trial_process
from incidents.locale.catalogue import phrases
from incidents.machine.command import OUTCOMES
from incidents.machine.events import KINDS
from incidents.machine.filing import CONTACT_FIELDS, FIELDS
from incidents.machine.orders import LANES
from incidents.machine.state import INCIDENT_STATES, SITE_STATES
from incidents.store import pages
from incidents.values import site_name, web_address

_SENTENCES = re.compile(r"[a-z]{2,} [a-z]{2,}")
# What is typed, and what is a program's word.
_TYPED = re.compile(
    r"`[^`]*`|\[\"[^]]*\]|incidents [a-z]+[^（）。，]*|JSON Lines|[a-z_]+、[a-z_、 ]+"
)

CHINESE = spoken("zh")


def facts(phrase: str) -> set[str]:
    """What a phrase names."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


def test_every_kind_of_event_has_a_sentence_and_a_label_in_chinese() -> None:
    for kind in KINDS:
        assert f"happened.{kind}" in CHINESE.phrases, kind
        assert f"event.{kind}" in CHINESE.phrases, kind
    told = {code.removeprefix("happened.") for code in CHINESE.phrases if "happened." in code}
    assert set(KINDS) == told


def test_every_refusal_of_what_was_given_is_told_in_chinese() -> None:
    modules = {
        "incidents.errors",
        site.__name__,
        incident.__name__,
        pages.__name__,
        trial_process.__name__,
    }
    given = [each for each in RefusedError.__subclasses__() if each.__module__ in modules]
    assert len(given) > 14
    for error in given:
        # What the desk refuses has a name of its own.
        if error.__name__ == "ActionRefusedError":
            continue
        name = error("").name
        known = CHINESE.phrases.get(f"not_there.{name}") or CHINESE.phrases[f"refused.{name}"]
        assert facts(known) <= facts(error.__doc__ or ""), name


def test_why_something_is_no_name_or_address_is_told_in_chinese() -> None:
    causes = {f"site_{code}": cause for code, cause in site_name.CAUSES.items()}
    causes |= {f"url_{code}": cause for code, cause in web_address.CAUSES.items()}
    histories = {f"history_{code}" for code in intake_causes.CAUSES}
    wanted = causes.keys() | histories | {"a_space", "a_character"}
    assert [code for code in sorted(wanted) if f"cause.{code}" not in CHINESE.phrases] == []
    for code, cause in causes.items():
        # What the library says of a name stays away: it says it in English.
        assert facts(CHINESE.phrases[f"cause.{code}"]) == facts(cause) - {"detail"}, code


def test_the_codes_of_the_record_have_names_in_chinese() -> None:
    # Nobody sees one that is new.
    states = {*SITE_STATES, *INCIDENT_STATES, "not voided"} - {"new"}
    codes = [f"state.{state}" for state in sorted(states)]
    codes += [f"order.{kind}" for kind in LANES]
    codes += [f"rule.{rule}" for rule in ("repeat", "unreachable", "unreachable_run")]
    codes += [f"field.{field}" for field in (*CONTACT_FIELDS, *FIELDS)]
    codes += [f"{group}.{outcome}" for group in ("outcome", "outcome_told")
              for outcome in OUTCOMES]  # fmt: skip
    assert [code for code in codes if code not in CHINESE.phrases] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_rule_has_one_name_wherever_it_is_named(language: Chosen) -> None:
    named = spoken(language).phrases
    for code, name in named.items():
        group, _, rule = code.partition(".")
        if group == "guard" and rule.startswith("R"):
            rule = rule.partition(" ")[2]
        elif group != "closed_by":
            continue
        assert name.replace(",", "") == named[f"rule.{rule}"].replace(",", ""), code


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_sentence_of_the_console_sends_anybody_to_a_command_line(language: Chosen) -> None:
    typed = re.compile(r"--[a-z]|incidents [a-z]+ |\((?:site|acts|queue|show|account) |\{do\[")
    pages = phrases("en", "console")
    # Errors and causes are also those of settings and of the log, which are told at a terminal.
    elsewhere = ("cause.", "error.", "text.")
    told = {
        code: said
        for code, said in spoken(language).phrases.items()
        if code not in pages and not code.startswith(elsewhere)
    }
    assert {code: said for code, said in told.items() if typed.search(said)} == {}


def test_every_act_has_a_name_in_both_languages() -> None:
    acts = [f"act.{act}" for act in (*identity.ACTION_NAMES, "form")]
    assert [
        act for act in acts for language in LANGUAGES if act not in spoken(language).phrases
    ] == []


def test_no_chinese_phrase_holds_english_words() -> None:
    for code, phrase in {**CHINESE.phrases, **phrases("zh_CN", "filing")}.items():
        plain = _TYPED.sub("", re.sub(r"\{[^}]*\}", "", phrase))
        assert not _SENTENCES.search(plain), (code, phrase)


@pytest.mark.parametrize(
    ("length", "policy", "span"),
    [
        (timedelta(0), "0 秒", "0 秒"),
        (timedelta(hours=24), "24 小时", "1 天"),
        (timedelta(hours=1, minutes=30), "1 小时 30 分钟", "1 小时 30 分钟"),
        (timedelta(days=2, minutes=5, seconds=1), "48 小时 5 分钟 1 秒", "2 天"),
    ],
)
def test_spans_of_time_are_told_in_chinese(length: timedelta, policy: str, span: str) -> None:
    assert CHINESE.duration(length) == policy
    assert CHINESE.span(length) == span


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
