"""The markup: the visible text of a page, its links and its images, in order.

The module builds no tree, because a page of 2 MiB can have 700,000 elements, all nested. Open
elements are a stack, and missing end tags are implied as in a browser (HTML standard, 13.2.6), as
far as this affects the visible text. Style sheets and scripts are ignored.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import NamedTuple

from incidents.filing.footer import charset

IMAGE = "\ufffc"
"""The character that stands for an image in the text."""

MAX_KEPT = 5_000
"""The maximum number of links, and of images, that are kept: the last ones, because the footer is
at the end."""

COMMENT, SCRIPT, TITLE, HIDDEN = INVISIBLE = ("comment", "script", "title", "hidden")
"""The places of invisible text."""

MAX_TOKENS = 250_000
"""The maximum number of tags and texts read: about six times as many as a real page of 2 MiB
has."""

MAX_TAG = 128 * 1024
"""The maximum number of characters in a tag, not counting embedded images."""

Attributes = dict[str, str]


@dataclass(frozen=True, slots=True)
class Link:
    """A link: its address as written, and its start and end in the text."""

    href: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Image:
    """An image: its addresses (including those for scripts), its alt text, and its position."""

    sources: tuple[str, ...]
    alt: str
    at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """The visible content of a page.

    `footers`: the parts of the text that are marked as a footer. `invisible`: the invisible text,
    by the place where it is. `is_dynamic`: scripts, frames or a refresh can load more.
    `is_truncated`: the page was cut.
    """

    text: str
    links: tuple[Link, ...]
    images: tuple[Image, ...]
    footers: tuple[tuple[int, int], ...]
    invisible: dict[str, str]
    is_dynamic: bool
    is_truncated: bool


def read(page: str) -> Markup:
    """The markup of a page.

    A page with more than `MAX_TOKENS` tags and texts, or a tag longer than `MAX_TAG`, is not a real
    page, and is only read up to that point.
    """
    reader = _Reader()
    try:
        # Flush a last character reference. Without `close`: an unfinished part, such as a comment,
        # is invisible in browsers too.
        reader.feed_parts(page + "\n")
    except _TooMuchError:
        return reader.markup(is_truncated=True)
    return reader.markup(is_truncated=False)


class _TooMuchError(Exception):
    """The page is too large to read within seconds."""


class _Open(NamedTuple):
    """An element that is still open."""

    name: str
    hides: bool
    is_footer: bool
    link: tuple[str, int] | None


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._text: list[str] = []
        self._length = 0
        self._links: deque[Link] = deque(maxlen=MAX_KEPT)
        self._images: deque[Image] = deque(maxlen=MAX_KEPT)
        self._feet: list[tuple[int, int]] = []
        self._foot_begun = 0
        self._unseen: dict[str, list[str]] = {place: [] for place in INVISIBLE}
        self._moving = False
        self._steps = 0
        self._stack: list[_Open] = []
        self._names: Counter[str] = Counter()
        self._hiding = 0
        self._in_feet = 0

    def feed_parts(self, page: str) -> None:
        """Read a page part by part; raises _TooMuchError."""
        small = _DATA_URL.sub("data:,", page)
        for start in range(0, len(small), _PART):
            self.feed(small[start : start + _PART])
            # In one go, 2 MiB of attributes would take hundreds of MiB.
            if len(self.rawdata) > MAX_TAG and _TAG.match(self.rawdata):
                raise _TooMuchError

    def markup(self, *, is_truncated: bool) -> Markup:
        """The markup read; elements that are still open end here."""
        self._end(0)
        return Markup(
            text="".join(self._text),
            links=tuple(self._links),
            images=tuple(self._images),
            footers=tuple(self._feet),
            invisible={place: "\n".join(parts) for place, parts in self._unseen.items()},
            is_dynamic=self._moving,
            is_truncated=is_truncated,
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._step()
        # Of repeated attributes the first counts.
        attributes = {name: value or "" for name, value in reversed(attrs)}
        self._end_implied(tag)
        self._moving = self._moving or charset.loads_content(tag, attributes)
        if tag in charset.BREAKS:
            self._break()
        hides = (
            tag in charset.INVISIBLE_ELEMENTS
            or "hidden" in attributes
            or charset.is_hidden_by_style(attributes.get("style", ""))
        )
        if not (hides or self._hiding):
            self._add_image(tag, attributes)
        if tag not in charset.VOID:
            self._begin(tag, attributes, hides=hides)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        drawn = tag in charset.DRAWINGS or any(self._names[drawing] for drawing in charset.DRAWINGS)
        self.handle_starttag(tag, attrs)
        # Outside a drawing the slash has no meaning: `<div/>` is open.
        if drawn:
            self.handle_endtag(tag)
        elif tag in self.CDATA_CONTENT_ELEMENTS:
            self.set_cdata_mode(tag)

    def handle_endtag(self, tag: str) -> None:
        self._step()
        if tag in charset.BLOCKS:
            self._break()
        if not self._names[tag]:
            return
        inline = tag not in charset.BLOCKS and tag not in charset.INVISIBLE_ELEMENTS
        for at in range(len(self._stack) - 1, -1, -1):
            name = self._stack[at].name
            if name == tag:
                self._end(at)
                return
            # A </b> does not end a block inside it.
            if inline and (name in charset.BLOCKS or len(self._stack) - at > _MAX_DEPTH):
                return

    def handle_data(self, data: str) -> None:
        self._step()
        if not self._hiding:
            self._write(_SPACES.sub(" ", data))
            return
        innermost = self._stack[-1].name
        place = innermost if innermost in (SCRIPT, TITLE) else HIDDEN
        if innermost != "style":
            self._unseen[place].append(data)

    def handle_comment(self, data: str) -> None:
        self._unseen[COMMENT].append(data)

    def parse_marked_section(self, i: int, report: int = 1) -> int:  # noqa: ARG002 - its signature
        """Treat `<![…>` as a comment, as HTML does; for some, the base class raises an error."""
        return self.parse_bogus_comment(i)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MAX_TOKENS:
            raise _TooMuchError

    def _begin(self, tag: str, attributes: Attributes, *, hides: bool) -> None:
        is_footer = charset.is_footer(tag, attributes)
        href = attributes.get("href")
        link = (href, self._length) if tag == "a" and href is not None else None
        self._stack.append(_Open(tag, hides, is_footer, link))
        self._names[tag] += 1
        self._hiding += hides
        if is_footer:
            if not self._in_feet:
                self._foot_begun = self._length
            self._in_feet += 1

    def _end(self, at: int) -> None:
        """End the elements of the stack from that index on."""
        while len(self._stack) > at:
            ended = self._stack.pop()
            self._names[ended.name] -= 1
            if ended.link is not None and not self._hiding:
                href, start = ended.link
                self._links.append(Link(href, start, self._length))
            self._hiding -= ended.hides
            if ended.is_footer:
                self._in_feet -= 1
                if not self._in_feet:
                    self._feet.append((self._foot_begun, self._length))

    def _end_implied(self, tag: str) -> None:
        """End elements whose end tag is implied, such as a paragraph before a block."""
        for ended, within in charset.ENDED_BY.get(tag, ()) or (
            charset.PARAGRAPH if tag in charset.BLOCKS else ()
        ):
            if not any(self._names[name] for name in ended):
                continue
            lowest = max(len(self._stack) - _MAX_DEPTH, 0)
            for at in range(len(self._stack) - 1, lowest - 1, -1):
                name = self._stack[at].name
                if name in ended:
                    self._end(at)
                    break
                if name in within:
                    break

    def _add_image(self, tag: str, attributes: Attributes) -> None:
        if tag in ("img", "image") or (
            tag == "input" and attributes.get("type", "").lower() == "image"
        ):
            sources = [attributes[name] for name in _SOURCES if attributes.get(name)]
        else:
            sources = _BACKGROUND.findall(attributes.get("style", "")[: charset.MAX_STYLE])
            if not sources:
                return
        alt = " ".join(attributes[name] for name in ("alt", "title") if attributes.get(name))
        self._images.append(Image(tuple(sources), alt, self._length))
        self._write(IMAGE)

    def _write(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)

    def _break(self) -> None:
        if not self._hiding and self._text and self._text[-1] != "\n":
            self._write("\n")


# The maximum depth of the search for an end: a hostile page could make it quadratic.
_MAX_DEPTH = 64

_PART = 64 * 1024
_TAG = re.compile("<[a-zA-Z]")
_DATA_URL = re.compile(r"data:[\w/+.;=-]{0,100},[\w+/=%.-]*", re.ASCII)

_SPACES = re.compile(r"[ \t\r\n\f]+")
_BACKGROUND = re.compile(r"background(?:-image)?\s*:[^;]*?url\(\s*[\"']?([^\"')]+)", re.IGNORECASE)
_SOURCES = ("src", "data-src", "data-original", "data-lazy-src", "href", "xlink:href")
