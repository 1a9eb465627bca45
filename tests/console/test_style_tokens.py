"""The style sheets: sizes of type, spaces, radii and colours come from the tokens alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from incidents.console import static_files

_FOLDER = Path(static_files.__file__).with_name("static") / "css"
_SHEETS = sorted(each.stem for each in _FOLDER.glob("*.css") if each.stem != "tokens")
_RULE = re.compile(r"(?P<selector>[^{};]+)\{(?P<body>[^{}]*)\}")
_SPACE = re.compile(r"(margin|padding)(-(left|right|top|bottom|block|inline))?|(row-|column-)?gap")
_COLOUR = re.compile(r"#[0-9a-f]{3,8}\b|\b(?:rgb|rgba|hsl|oklch)\(", re.IGNORECASE)
_SVG = "svg"
"""In a picture sizes of type are in its own units, which grow with it."""
_FOR_WHAT_FLOATS = {("body", "padding-bottom")}
"""The room below a page for the messages that float over its foot."""


def declarations(sheet: str) -> Iterator[tuple[str, str, str]]:
    """The selector, property and value of each declaration of a sheet."""
    text = re.sub(r"/\*.*?\*/", "", (_FOLDER / f"{sheet}.css").read_text(), flags=re.DOTALL)
    for rule in _RULE.finditer(text):
        for declaration in filter(str.strip, rule["body"].split(";")):
            name, _, value = declaration.partition(":")
            yield rule["selector"].strip(), name.strip(), value.strip()


@pytest.mark.parametrize("sheet", _SHEETS)
def test_sizes_of_type_are_tokens(sheet: str) -> None:
    other = [
        (selector, value)
        for selector, name, value in declarations(sheet)
        if name in ("font", "font-size") and _SVG not in selector
        if value != "inherit" and not re.match(r"var\(--t\d+\)", value)
    ]
    assert other == []


@pytest.mark.parametrize("sheet", _SHEETS)
def test_spaces_and_radii_are_tokens(sheet: str) -> None:
    other = [
        (selector, name, value)
        for selector, name, value in declarations(sheet)
        if _SPACE.fullmatch(name) or name == "border-radius"
        if re.search(r"\d(rem|em|px)", value) and (selector, name) not in _FOR_WHAT_FLOATS
    ]
    assert other == []


@pytest.mark.parametrize("sheet", _SHEETS)
def test_colours_are_tokens(sheet: str) -> None:
    assert [each for each in declarations(sheet) if _COLOUR.search(each[2])] == []


def test_each_token_that_a_sheet_uses_is_there_and_each_that_is_there_is_used() -> None:
    texts = {each.stem: each.read_text() for each in _FOLDER.glob("*.css")}
    made = set(re.findall(r"(--[\w-]+):", "".join(texts.values())))
    used = set(re.findall(r"var\((--[\w-]+)", "".join(texts.values())))
    assert used - made == set()
    assert made - used == set()


def test_english_is_written_in_a_latin_face_first_and_chinese_in_one_of_its_own() -> None:
    stacks = {
        selector: re.findall(r"var\((--\w+)\)", value)
        for selector, name, value in declarations("tokens")
        if name == "--font"
    }
    assert stacks == {":root": ["--latin", "--cjk"], ":root:lang(zh)": ["--cjk", "--latin"]}
