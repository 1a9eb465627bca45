"""Errors in Chinese: every class has a phrase, and what is told has no English sentence."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest

import incidents
from incidents.cli.error_text import phrase
from incidents.errors import Cause, IncidentsError
from incidents.locale.language import language
from tests.cli.conftest import Cli

CHINESE = language("zh_CN", "cli")
TOLD_OTHERWISE = {"ActRefusedError", "NotLetError", "ProblemError", "TroubleError"}
"""They take their names and facts from the refusals, which have phrases of their own."""

ENGLISH = re.compile(r"[A-Za-z]{2,}(?:[ ,]+[A-Za-z]{2,})+")
TYPED = re.compile(r"`[^`]*`|“[^”]*”|incidents [a-z -]+|--\w+ [\w.-]+")


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def classes(of: type[IncidentsError] = IncidentsError) -> Iterator[type[IncidentsError]]:
    for kind in of.__subclasses__():
        if kind.__module__.startswith("incidents."):
            yield kind
            yield from classes(kind)


def told_at_the_command_line() -> list[type[IncidentsError]]:
    for module in pkgutil.walk_packages(incidents.__path__, "incidents."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [
        kind
        for kind in dict.fromkeys(classes())
        if not kind.__module__.startswith("incidents.console.")
        and kind.__name__ not in TOLD_OTHERWISE
    ]


def test_every_error_has_a_phrase_whose_facts_its_english_names_too() -> None:
    missing = []
    for kind in told_at_the_command_line():
        facts: dict[str, Any] = dict.fromkeys(named(kind.__doc__ or ""), "x")
        error = kind.__new__(kind)
        error.facts, error.message = facts, ""
        if phrase(CHINESE.phrases, error, facts) is None:
            missing.append(kind.__qualname__)
    assert missing == []


CAUSE = re.compile(r"Cause\.of\(\s*\"(\w+)\"")


def test_every_cause_in_the_code_has_its_words() -> None:
    codes = set()
    for module in pkgutil.walk_packages(incidents.__path__, "incidents."):
        spec = importlib.util.find_spec(module.name)
        assert spec is not None
        if spec.origin and spec.origin.endswith(".py"):
            codes |= set(CAUSE.findall(Path(spec.origin).read_text(encoding="utf-8")))
    assert len(codes) > 200
    assert [code for code in sorted(codes) if f"cause.{code}" not in CHINESE.phrases] == []


def test_a_cause_fills_both_sentences_in() -> None:
    cause = Cause.of("tile_bytes", "{path} must have {needed} bytes, and has {found}",
                     path="tile/0/000", needed=32, found=31)  # fmt: skip
    assert cause == "tile/0/000 must have 32 bytes, and has 31"
    assert CHINESE.cause(cause) == "tile/0/000 应有 32 字节，而有 31 字节"


@pytest.fixture
def desk(cli: Cli) -> Cli:
    cli("site", "add", "shop.example")
    cli("log", "shop.example", "--url", "https://shop.example/a")
    return cli


WRONG = [
    ("queue", "--as", "daemon"),
    ("queue", "--as", "wang@shop.example"),
    ("queue", "--as", "王" * 200),
    ("show", "99-1"),
    ("show", "none.example"),
    ("show", "1-1-9"),
    ("log", "a..b"),
    ("log", "https://shop.example/"),
    ("log", "shop.example", "--url", "ftp://shop.example/"),
    ("log", "shop.example", "--url", "https://shop.example/a"),
    ("note", "1-1", "\x07"),
    ("note", "1-1", "很" * 9_000),
    ("hold", "shop.example", "--reason", "x", "--key", "\x00"),
    ("attach", "1-1", __file__ + "/none"),
    ("contact", "1-1", "reached", "--at", "2026-02-01 10:00"),
    ("claim", "1-7"),
    ("removed", "9-9"),
    ("refused", "1-1", "--confirm", "shop.example"),
    ("token", "revoke", "x"),
    ("token", "make", "nobody"),
    ("account", "add", "Wang", "--role", "operator"),
    ("account", "add", "wang", "--role", "king"),
    ("acts", "show", "1-o99"),
    ("policy", "show", "--server", "http://127.0.0.1:9"),
]


def test_what_is_wrong_is_told_in_chinese(desk: Cli) -> None:
    left = {}
    for line in WRONG:
        answer = desk(*line, "--lang", "zh")
        [told] = [each for each in answer.err.splitlines() if each.startswith("incidents")][:1] or [
            answer.err
        ]
        words = ENGLISH.findall(TYPED.sub("", told))
        if words or not re.search("[一-鿿]{2}", told):
            left[line] = told
    assert left == {}
