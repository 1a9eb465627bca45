"""The text of an HTML mail, with the addresses that its links lead to. Nothing is loaded."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_UNSEEN = {"script", "style", "title", "template", "noscript"}
_SPACE = re.compile(r"[ \t\r\n\f]+")
_BREAKS = {
    "address", "article", "blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "li", "p", "pre", "section", "table", "tr", "ul", "ol",
}  # fmt: skip


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.links: list[str] = []
        self.titles: list[str] = []
        self._unseen = 0
        self._as_written = 0
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "title":
            self._in_title = True
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BREAKS:
            self.found.append("\n")
        elif tag in ("td", "th"):
            self.found.append("\t")
        self._as_written += tag == "pre"
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BREAKS:
            self.found.append("\n")
        if tag == "pre":
            self._as_written = max(0, self._as_written - 1)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.found.append(data if self._as_written else _SPACE.sub(" ", data))
        elif self._in_title:
            self.titles.append(data)


def text_of(html: str) -> tuple[str, list[str]]:
    """Return the text of a page, and the addresses of its links, as written."""
    parser = _parsed(html)
    return _lines(parser.found), parser.links


def page_of(html: str) -> tuple[str, str]:
    """Return the title of a page, on one line, and its text."""
    parser = _parsed(html)
    return " ".join("".join(parser.titles).split()), _lines(parser.found)


def _parsed(html: str) -> _Text:
    parser = _Text()
    parser.feed(html)
    parser.close()
    return parser


def _lines(found: list[str]) -> str:
    """The text on lines, that of a row of a table on one, its cells with tabs between them."""
    lines = []
    for line in "".join(found).split("\n"):
        cells = [" ".join(cell.split()) for cell in line.removeprefix("\t").split("\t")]
        if any(cells):
            lines.append("\t".join(cells).rstrip("\t"))
    return "\n".join(lines)
