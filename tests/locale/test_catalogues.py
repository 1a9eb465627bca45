"""The catalogues: both languages have every phrase, and name the same facts in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from string import Formatter
from typing import get_args

import pytest
from babel.messages.pofile import read_po

import incidents
from incidents import errors
from incidents.locale.catalogue import Domain, phrases
from incidents.values.language_tag import Tag
from scripts.catalogues import compile_stale, sources

DOMAINS: tuple[Domain, ...] = ("incidents", "filing", "console", "cli")
IN_CHINESE_ALONE = (
    "act_told", "category", "cause", "error", "field", "file_done", "finding", "footer_field",
    "head", "how",
    "item", "items", "label", "list_outcome", "not_let", "not_there", "notice_to", "notice_when",
    "policy_text", "preset", "quoted", "refused", "resumed_because", "sign_in_event",
    "sign_in_result", "state", "system", "task_outcome", "text", "verdict_of",
)  # fmt: skip
"""The groups that English has as the code itself, or where the error is made."""


def facts(phrase: str) -> set[str]:
    """The facts that a phrase names."""
    return {name for _, name, _, _ in Formatter().parse(phrase) if name}


@pytest.mark.parametrize("domain", DOMAINS)
def test_every_english_phrase_is_there_in_chinese_with_no_other_facts(domain: Domain) -> None:
    english, chinese = phrases("en", domain), phrases("zh_CN", domain)
    told = {id_: phrase for id_, phrase in english.items() if "@" not in id_}
    assert [id_ for id_ in told if not chinese.get(id_)] == []
    assert [id_ for id_ in told if not facts(chinese[id_]) <= facts(told[id_]) | MORE] == []


MORE = {"act", "nearest", "states"}
"""Facts that a phrase may name in place of another one (`locale.refusals`)."""

ON_PAGES = {"until"}
"""Facts that only pages tell."""


@pytest.mark.parametrize("domain", DOMAINS)
def test_what_stands_in_chinese_alone_is_a_name_that_english_needs_not(domain: Domain) -> None:
    english, chinese = phrases("en", domain), phrases("zh_CN", domain)
    alone = {id_ for id_ in chinese.keys() - english.keys() if id_.partition("@")[0] not in english}
    groups = {id_.partition(".")[0] for id_ in alone}
    assert groups <= set(IN_CHINESE_ALONE)


def test_what_a_surface_says_in_its_own_way_names_the_same_facts_or_fewer() -> None:
    english = phrases("en", "incidents")
    own = {id_: phrase for id_, phrase in english.items() if "@" in id_}
    assert own
    for id_, phrase in own.items():
        assert facts(phrase) <= facts(english.get(id_.partition("@")[0], "")) | MORE | ON_PAGES, id_


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


PROGRAM = Path(incidents.__path__[0])


def said_by_code() -> tuple[set[str], list[re.Pattern[str]], set[str]]:
    """The ids in the program: texts, composed texts (as patterns), and names of groups."""
    texts, patterns, groups = set[str](), set[str](), set[str]()
    for file in PROGRAM.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)):
                    texts.add(text)
                case ast.JoinedStr(values=parts):
                    patterns.add(_pattern(parts))
                case ast.Call(func=ast.Attribute(attr="word") | ast.Name(id="word"), args=args):
                    groups |= {str(each.value) for each in args if isinstance(each, ast.Constant)}
                case ast.keyword(arg="group", value=ast.Constant(value=str(text))):
                    groups.add(text)
    for file in (*PROGRAM.rglob("*.jinja"), *PROGRAM.rglob("*.js")):
        text = file.read_text(encoding="utf-8")
        texts |= set(re.findall(r"['\"]([A-Za-z_.-]+)['\"]", text))
        begun = re.findall(r"['\"]([A-Za-z_. -]+)['\"] ~", text)
        patterns |= {f"{re.escape(each)}.+" for each in begun}
        groups |= set(re.findall(r"(?:word\(|, )['\"]([a-z_]+)['\"]", text))
    return texts, [re.compile(each) for each in patterns], groups


def _pattern(parts: list[ast.expr]) -> str:
    """Of a text put together; of one with hardly a letter of its own, nothing."""
    known = [str(part.value) if isinstance(part, ast.Constant) else None for part in parts]
    if not any(each and re.search("[a-z_]{3}", each) for each in known):
        return "(?!)"
    return "".join(".+" if each is None else re.escape(each) for each in known)


BY_CODE = ("cause", "error", "head")
"""The groups whose ids one function makes from a code: a pattern would match all of them."""


def codes() -> set[str]:
    """All that can be a code: what stands in a module, alone or after a prefix that the module puts
    before its codes, and the names of errors, alone or with a fact."""
    found, named, told = set[str](), set[str](), set[str]()
    for file in PROGRAM.rglob("*.py"):
        own, before = set[str](), {""}
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            match node:
                case ast.Constant(value=str(text)):
                    own.add(text)
                case ast.JoinedStr(values=[ast.Constant(value=str(text)), ast.FormattedValue()]):
                    before.add(text)
                case ast.keyword(arg=str(name)):
                    told.add(name)
                case ast.Dict(keys=keys):
                    told |= {str(key.value) for key in keys if isinstance(key, ast.Constant)}
                case ast.ClassDef(name=name) if name.endswith("Error"):
                    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
                    named.add(snake.removesuffix("_error"))
        found |= {prefix + text for prefix in before for text in own}
    found |= named | {f"flaw_{name}" for name in named}
    return found | {f"{name}.{fact}" for name in named for fact in told}


def test_no_error_is_raised_with_an_english_sentence_alone() -> None:
    kinds = {kind.__name__ for kind in vars(errors).values() if isinstance(kind, type)}
    kinds -= {"Cause", "ActionRefusedError"}
    found = [
        f"{file.relative_to(PROGRAM)}:{node.lineno}"
        for file in PROGRAM.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).rpartition(".")[2] in kinds
        and node.args
        and isinstance(node.args[0], ast.Constant | ast.JoinedStr)
        # The machine's own error of that name has a refusal's code there.
        and "machine" not in file.parts
    ]
    assert found == []


def test_no_phrase_is_left_over() -> None:
    texts, patterns, groups = said_by_code()
    known = codes()
    for domain in DOMAINS:
        for tag in get_args(Tag):
            found = Formatter().parse("".join(phrases(tag, domain).values()))
            groups |= {way for _, _, way, _ in found if way}
    left = [
        f"{domain}: {id_}"
        for domain in DOMAINS
        for id_ in sorted(phrases("en", domain).keys() | phrases("zh_CN", domain).keys())
        if (name := id_.partition("@")[0]) not in texts
        and not (
            name.partition(".")[2] in known
            if name.partition(".")[0] in BY_CODE
            else name.partition(".")[0] in groups or any(each.fullmatch(name) for each in patterns)
        )
    ]
    assert left == []


def test_the_compiled_catalogues_are_those_of_their_sources() -> None:
    assert compile_stale() == []
