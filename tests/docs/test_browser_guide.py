"""The guide to the console: its table tells of each page of the menu, in both languages."""

import re

import pytest

from incidents.console import rendering
from incidents.locale.language import language
from incidents.values.language_tag import Tag
from tests.docs import pages

_ROW = re.compile(r"^\| ([^|]+) \| [^|]+ \|$", re.MULTILINE)


@pytest.mark.parametrize(("tag", "ending"), [("en", ".md"), ("zh_CN", ".zh-CN.md")])
def test_each_page_of_the_menu_has_a_row(tag: Tag, ending: str) -> None:
    guide = pages.ROOT / "docs" / "how-to" / f"work-in-a-browser{ending}"
    rows = _ROW.findall(guide.read_text(encoding="utf-8"))
    say = language(tag, "console").say
    names = [say(key) for _, key, _ in rendering.NAV]
    assert [name for name in names if not any(row.startswith(name) for row in rows)] == []
    assert {say("rules.title"), say("log.title")} <= set(rows)
