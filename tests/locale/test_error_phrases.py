"""The error classes: each has a phrase in Chinese. No clock is frozen: all modules are loaded."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from string import Formatter
from typing import Any

import incidents
from incidents.errors import IncidentsError
from incidents.locale import error_sentence
from incidents.locale.language import language

CHINESE = language("zh_CN", "cli")
TOLD_OTHERWISE = {"ActionRefusedError", "ActivationDeniedError", "ProblemError", "TroubleError"}
"""They take their names and facts from the refusals, which have phrases of their own."""


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
        if error_sentence.phrase(CHINESE.phrases, error, facts) is None:
            missing.append(kind.__qualname__)
    assert missing == []
