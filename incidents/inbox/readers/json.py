"""JSON that is not XARF: objects whose names are those of the usual columns, such as a feed's."""

from __future__ import annotations

from incidents.inbox.readers.csv import of_table
from incidents.inbox.readers.table_findings import TableFindings
from incidents.inbox.reading import Reading
from incidents.inbox.source import Source
from incidents.inbox.table_file import MAX_ROWS


def read(source: Source) -> Reading | None:
    """Read the JSON objects of the report; None if none of them names an address."""
    found = TableFindings()
    found.take_rows(
        {str(name).lower(): str(value) for name, value in each.items() if _is_plain(value)}
        for each in source.objects[:MAX_ROWS]
    )
    return None if found.findings.is_empty else of_table(source, found)


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)
