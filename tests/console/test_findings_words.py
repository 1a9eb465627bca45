"""The words about filings: each finding, need and source is told in both languages."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import incidents.filing
from incidents.console.languages import LANGUAGES, found, spoken
from incidents.console.pages import filing_form, filing_view
from incidents.errors import RefusedError
from incidents.filing import checks
from incidents.filing.finding import VERDICTS, wrong
from incidents.filing.form import FIELD_OF
from incidents.machine.filing import FIELDS, TERMS
from tests.console.test_words import facts

CHINESE = spoken("zh")
FOUND = found("zh").phrases
_MAKERS = ("ok", "unknown", "suspect", "wrong")


def _calls() -> Iterator[tuple[Any, ast.Call]]:
    """Where a module of the filing makes a finding."""
    room = Path(incidents.filing.__path__[0])
    for file in sorted(room.rglob("*.py")):
        name = ".".join(file.relative_to(room).with_suffix("").parts)
        module = importlib.import_module(f"incidents.filing.{name}")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            if node.func.id in _MAKERS and len(node.args) == 3:
                yield module, node


def _named(module: Any, node: ast.expr) -> str | None:
    """What a constant, or a name of a module's own, stands for; None for what is worked out."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        found = getattr(module, node.id, None)
        return found if isinstance(found, str) else None
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return str(getattr(getattr(module, node.value.id), node.attr))
    return None


def test_what_may_be_false_and_what_a_foot_lacks_has_a_short_name_in_chinese() -> None:
    false = {
        _named(module, call.args[1])
        for module, call in _calls()
        if any(keyword.arg == "false" for keyword in call.keywords)
    } - {None}
    assert len(false) > 15
    assert false - {code.removeprefix("finding.") for code in CHINESE.phrases} == set()
    assert CHINESE.finding("phone_repeats") == "同一数字连续重复"


def test_every_source_of_a_finding_is_told_in_chinese_unless_it_is_a_standard() -> None:
    sources = {_named(module, call.args[2]) for module, call in _calls()} - {None}
    assert len(sources) > 15
    plain = {each for each in sources if not re.search(r"[a-z]{2,}[ ,]+[a-z]{2,}", str(each))}
    assert sources - {code.removeprefix("source.") for code in FOUND} - plain == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_detail_need_verdict_and_term_has_a_name(language: Any) -> None:
    phrases = named = spoken(language).phrases
    assert [key for key in FIELDS if f"detail.{key}" not in phrases] == []
    assert [key for key in FIELDS if f"field.{key}" not in phrases] == []
    assert [key for key in (*VERDICTS,) if f"verdict_of.{key}" not in named] == []
    assert [key for key in TERMS if f"term.{key}" not in named] == []
    for need in checks.NEEDS:
        assert filing_view.word(language, "need", need.why) != need.why
        assert filing_view.detail_label(language, need.field) != need.field
    assert {filing_view.detail_label(language, key) for key in FIELDS} == {
        filing_view.label_of(language, field) for field in FIELD_OF.values()
    }


def test_what_may_be_chosen_is_told_by_its_words() -> None:
    found = wrong("nature", "choice_unknown", "", choices="commercial, non_commercial")
    assert (
        filing_view.finding_sentence("zh", found) == "网站性质不在可选项之内（经营性、非经营性）。"
    )
    found = wrong("document.a", "document_kind_unknown", "", kinds="access_contract, other")
    assert (
        filing_view.finding_sentence("zh", found)
        == "文件“a”的文件类型不在可选项之内（接入合同、其他）。"
    )


def test_every_refusal_of_a_form_is_told_in_chinese() -> None:
    own = [
        each
        for each in RefusedError.__subclasses__()
        if each.__module__ in (filing_form.__name__, "incidents.filing.presets")
    ]
    assert len(own) == 6
    for error in own:
        told = CHINESE.phrases[f"refused.{error('').name}"]
        assert facts(told) <= facts(error.__doc__ or ""), error
