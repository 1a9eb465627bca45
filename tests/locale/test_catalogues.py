"""The catalogues: both languages have every phrase, and name the same facts in it."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest
from babel.messages.pofile import read_po

from incidents.locale.catalogue import Domain, phrases
from scripts.catalogues import compile_stale, sources

DOMAINS: tuple[Domain, ...] = ("incidents", "filing", "console")
IN_CHINESE_ALONE = (
    "act_told", "cause", "error", "field", "file_done", "finding", "items", "not_there",
    "policy_text", "quoted", "refused", "state", "task_outcome", "text",
)  # fmt: skip
"""The groups that English has as the code itself, or where the error is made."""


def facts(phrase: str) -> set[str]:
    """What a phrase names."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_english_phrase_is_there_in_chinese_with_no_other_facts(domain: Domain) -> None:
    english, chinese = phrases("en", domain), phrases("zh_CN", domain)
    told = {id_: phrase for id_, phrase in english.items() if "@" not in id_}
    assert [id_ for id_ in told if not chinese.get(id_)] == []
    assert [id_ for id_ in told if not facts(chinese[id_]) <= facts(told[id_]) | MORE] == []


MORE = {"act", "nearest", "states"}
"""What a phrase may name in place of another fact (`locale.refusals`)."""


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_stands_in_chinese_alone_is_a_name_that_english_needs_not(domain: Domain) -> None:
    english, chinese = phrases("en", domain), phrases("zh_CN", domain)
    groups = {id_.partition(".")[0] for id_ in chinese.keys() - english.keys()}
    assert groups <= set(IN_CHINESE_ALONE)


def test_what_a_surface_says_in_its_own_way_names_the_same_facts_or_fewer() -> None:
    english = phrases("en", "incidents")
    own = {id_: phrase for id_, phrase in english.items() if "@" in id_}
    assert own
    for id_, phrase in own.items():
        assert facts(phrase) <= facts(english[id_.partition("@")[0]]) | MORE, id_


@pytest.mark.parametrize(
    "source", sources(), ids=lambda path: f"{path.parents[1].name} {path.stem}"
)
def test_no_id_stands_twice_and_none_is_unfinished(source: Path) -> None:
    with source.open("rb") as file:
        read = read_po(file, abort_invalid=True)
    found = [message for message in read if message.id]
    assert [message.id for message in found if message.fuzzy or not message.string] == []
    text = source.read_text(encoding="utf-8")
    assert text.count("\nmsgid ") - 1 == len(found)


def test_the_compiled_catalogues_are_those_of_their_sources() -> None:
    assert compile_stale() == []
