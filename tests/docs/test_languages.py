"""Pages that exist in two languages: alike in commands, sections and links, and linked."""

import re
from pathlib import Path

import pytest

from tests.docs import pages

_CHINESE = ".zh-CN.md"
# The specification has a test of its own.
PAGES = [
    page
    for page in sorted([*pages.ROOT.glob(f"*{_CHINESE}"), *pages.ROOT.glob(f"docs/*/*{_CHINESE}")])
    if not page.name.startswith("specification")
]

_BLOCK = re.compile(r"^```(?P<kind>\w*)\n.*?^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")
_QUOTED = re.compile(r'"[^"]*"')
_PROMPT = re.compile(r"^\$ ", re.MULTILINE)
_WITHOUT_COMMANDS = {"work-in-a-browser.zh-CN.md"}

in_both = pytest.mark.parametrize("chinese", PAGES, ids=lambda page: page.name)


@in_both
def test_a_page_has_the_same_commands_in_both_languages(chinese: Path) -> None:
    # What stands between quotes, a reason or a note, is in the page's own language.
    english, own = (
        [
            (typed.at, _QUOTED.sub('""', typed.command), typed.status)
            for typed in pages.read(page)
            if isinstance(typed, pages.Typed)
        ]
        for page in (_english(chinese), chinese)
    )
    assert own == english
    assert len(own) == len(_PROMPT.findall(chinese.read_text(encoding="utf-8")))
    assert bool(own) == (chinese.name not in _WITHOUT_COMMANDS)


@in_both
def test_a_page_has_the_same_sections_blocks_and_links_in_both_languages(chinese: Path) -> None:
    english, own = (page.read_text(encoding="utf-8") for page in (_english(chinese), chinese))
    assert _HEADING.findall(_BLOCK.sub("", own)) == _HEADING.findall(_BLOCK.sub("", english))
    assert _BLOCK.findall(own) == _BLOCK.findall(english)
    assert {_of_english(link) for link in _links(own)} == {
        _of_english(link) for link in _links(english)
    }


@in_both
def test_a_page_leads_to_its_other_language(chinese: Path) -> None:
    english = _english(chinese)
    assert chinese.name in _links(english.read_text(encoding="utf-8"))
    assert english.name in _links(chinese.read_text(encoding="utf-8"))


@in_both
def test_a_page_in_chinese_leads_to_pages_in_chinese(chinese: Path) -> None:
    links = _links(chinese.read_text(encoding="utf-8"))
    in_chinese = {link.removesuffix(".md") + _CHINESE for link in links}
    there = {link for link in in_chinese if (chinese.parent / link).exists()}
    assert there - {chinese.name} <= links


def _english(chinese: Path) -> Path:
    return chinese.with_name(_of_english(chinese.name))


def _of_english(link: str) -> str:
    return link.replace(_CHINESE, ".md")


def _links(text: str) -> set[str]:
    return set(_LINK.findall(text))
