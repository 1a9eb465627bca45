"""The text of an HTML mail, with the addresses that its links lead to. Nothing is loaded."""

from __future__ import annotations

from html.parser import HTMLParser

_UNSEEN = {"script", "style", "title", "template", "noscript"}
_BREAKS = {
    "address", "article", "blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6",
    "hr", "li", "p", "pre", "section", "table", "td", "th", "tr", "ul", "ol",
}  # fmt: skip


class _Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.links: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _BREAKS:
            self.found.append("\n")
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag in _BREAKS:
            self.found.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.found.append(data)


def text_of(html: str) -> tuple[str, list[str]]:
    """Return the text of a page, and the addresses of its links, as written."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    lines = (" ".join(line.split()) for line in "".join(parser.found).split("\n"))
    return "\n".join(line for line in lines if line), parser.links
