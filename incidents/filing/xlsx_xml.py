"""The XML of an XLSX part as events, in flat memory: nothing of it is kept but what is asked for.

It refuses what defusedxml warns of and what XLSX has no use for: a document type is the way to
entities, within (billion laughs) and without (XXE), and ECMA-376, part 2, forbids it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Never, Protocol
from xml.parsers import expat

from incidents.filing.list_causes import cause
from incidents.filing.table_row import TableError

MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
"""So many elements a part has at most, where nothing else is said: each costs time, not memory."""

MAX_TOKEN = 1 << 20
"""So many bytes a tag has at most, with its attributes: the parser keeps a whole one."""


class Handler(Protocol):
    """Who hears of the elements, by their names without a prefix; text comes in pieces."""

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        """An element begins."""

    def end(self, name: str) -> None:
        """An element ends."""

    def text(self, piece: str) -> None:
        """Some text of the element that began last, or of one around it."""


class Reading:
    """A part that is read into a handler block by block.

    Raises:
        TableError: from `feed` and `close`, naming the part.
    """

    def __init__(
        self, file: str, part: str, handler: Handler, *, elements: int = MAX_ELEMENTS
    ) -> None:
        self._file, self._part, self._fed, self._depth = file, part, 0, 0
        self._elements = self._left = elements
        self._started, self._ended = handler.start, handler.end
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = handler.text
        parser.StartDoctypeDeclHandler = self._doctype

    @property
    def read(self) -> int:
        """How many elements have been read."""
        return self._elements - self._left

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """The next block."""
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            where = f" (line {error.lineno}, character {error.offset + 1})"
            raise TableError(self._file, cause("bad_xml", part=self._part, where=where)) from error
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > MAX_TOKEN:
            self._refuse("long_token", limit=f"{MAX_TOKEN:,}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._left -= 1
        if self._depth > MAX_DEPTH:
            self._refuse("deep", limit=MAX_DEPTH)
        if self._left < 0:
            self._refuse("elements", limit=f"{self._elements:,}")
        self._started(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._ended(name.rpartition(":")[2] if ":" in name else name)

    def _doctype(self, *_: Any) -> None:
        self._refuse("doctype")

    def _refuse(self, code: str, **facts: Any) -> Never:
        raise TableError(self._file, cause(code, part=self._part, **facts))


def read(
    blocks: Iterable[bytes],
    file: str,
    part: str,
    handler: Handler,
    *,
    elements: int = MAX_ELEMENTS,
) -> int:
    """A whole part into a handler, and how many elements it has; raises as `Reading` does."""
    reading = Reading(file, part, handler, elements=elements)
    for block in blocks:
        reading.feed(block)
    reading.feed(b"", last=True)
    return reading.read
