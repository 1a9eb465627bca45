"""The documentation as a site: its configuration, with the pages in the order of their index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_INDEX = Path(__file__).parents[2] / "docs" / "README.md"

_SETTINGS = """\
# Made by scripts/docs from docs/README.md. `scripts/docs --serve` shows the site,
# `scripts/docs --site` makes its files.
[project]
site_name = "incidents"
site_description = "The violation desk of a hosting provider: manual and reference"
docs_dir = "docs"
site_dir = "site"
# The files can be read from a folder, without a server.
use_directory_urls = false
nav = [
{nav}
]

[project.theme]
language = "en"
# No page asks another host for anything.
font = false
features = ["content.code.copy", "navigation.footer", "navigation.sections", "search.highlight"]

[project.markdown_extensions.tables]

[project.markdown_extensions.pymdownx.highlight]

[project.markdown_extensions.pymdownx.superfences]

# Anchors as GitHub makes them, of Chinese headings too.
[project.markdown_extensions.toc]
permalink = true
slugify.object = "pymdownx.slugs.slugify"
slugify.kwds.case = "lower"
"""

_LINE = re.compile(
    r"^(?:## (?P<section>[^:\n]+)|(?P<group>[A-Z][^\n]*):$"
    r"|- \[(?P<title>[^]]+)\]\((?P<page>\S+\.md)\))"
)


def text() -> str:
    """The file for Zensical, the generator of the site."""
    return _SETTINGS.format(nav="\n".join(_nav(_INDEX.read_text(encoding="utf-8").splitlines())))


def _nav(index: list[str]) -> Iterator[str]:
    """The sections, their groups, and the pages in them; a line of the array each."""
    yield '    { "Documentation" = "README.md" },'
    open_: list[str] = []
    for line in index:
        found = _LINE.match(line)
        if found is None:
            continue
        if found["page"]:
            yield f'{"    " * (len(open_) + 1)}{{ "{found["title"]}" = "{found["page"]}" }},'
            continue
        while open_ and (found["section"] or len(open_) > 1):
            open_.pop()
            yield f"{'    ' * (len(open_) + 1)}] }},"
        yield f'{"    " * (len(open_) + 1)}{{ "{found["section"] or found["group"]}" = ['
        open_.append(line)
    while open_:
        open_.pop()
        yield f"{'    ' * (len(open_) + 1)}] }},"
