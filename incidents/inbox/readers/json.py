"""JSON that is not XARF: objects whose names are those of the usual columns, such as a feed's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from incidents.inbox.readers.csv import of_table
from incidents.inbox.readers.table_findings import TableFindings
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source
from incidents.inbox.table_file import MAX_ROWS

_DEEPEST = 5
_OF_OTHERS = {
    "reporter", "reported_by", "sender", "contact", "customer", "brand", "victim", "destination",
    "dst", "evidence", "links", "_links", "meta",
}  # fmt: skip
"""The names of objects that are not about what is reported."""


def read(source: Source) -> Reading | None:
    """Read the JSON objects of the report; None if none of them names an address."""
    found = TableFindings()
    found.take_rows(islice((row for each in source.objects for row in _rows(each)), MAX_ROWS))
    return None if found.findings.is_empty else of_table(source, found)


def _rows(found: Mapping[str, Any], depth: int = 0) -> Iterator[dict[str, str]]:
    """The plain fields of an object, and those of the objects within it."""
    yield {str(name).lower(): str(value) for name, value in found.items() if _is_plain(value)}
    for name, value in found.items() if depth < _DEEPEST else ():
        if str(name).lower() in _OF_OTHERS:
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, dict):
                yield from _rows(each, depth + 1)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
