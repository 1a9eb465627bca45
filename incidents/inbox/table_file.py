"""A table in a file (CSV), whatever separates its cells, if its header has a name that is known."""

from __future__ import annotations

import csv
from dataclasses import dataclass

MAX_ROWS = 10_000
MAX_HEADER = 16_384
MAX_CELL = 65_536
"""The maximum numbers of rows, and of characters of a header and of a cell."""

_TABLE_COLUMNS = {
    "ip", "src_ip", "source_ip", "ip_address", "url", "uri", "host", "hostname", "domain", "fqdn",
    "site", "timestamp", "time", "date", "dateadded", "occurred_at", "first_seen", "source.ip",
    "http_host", "网址", "违规网址", "违法网址", "域名", "ip地址", "发现时间",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file with a table: its name, and the rows below its header, by the header's names."""

    name: str
    columns: tuple[str, ...]
    rows: list[dict[str, str]]
    more: bool


def read(name: str, text: str) -> TableFile | None:
    """Read the table of a file; None if the text has no header that is known."""
    lines = iter(text.split("\n"))
    header = ""
    for line in lines:
        # A feed begins with comments; the last one may be its header.
        if line.startswith("#") and not _columns(line.strip("# \r")):
            continue
        if line.strip():
            header = line.strip("# \r\ufeff") if line.startswith("#") else line
            break
    columns = _columns(header)
    if not columns:
        return None
    delimiter = _delimiter(header)
    csv.field_size_limit(MAX_CELL)
    rows: list[dict[str, str]] = []
    try:
        for cells in csv.reader((line for line in lines if not line.startswith("#")),
                                delimiter=delimiter, skipinitialspace=True):  # fmt: skip
            if len(rows) == MAX_ROWS:
                return TableFile(name, columns, rows, True)
            if any(cell.strip() for cell in cells):
                rows.append(
                    {column: cell.strip() for column, cell in zip(columns, cells, strict=False)}
                )
    except csv.Error:
        return TableFile(name, columns, rows, True)
    return TableFile(name, columns, rows, False)


def _columns(header: str) -> tuple[str, ...]:
    """The names of the columns, in lower case; empty if the line is no header that is known."""
    if len(header) > MAX_HEADER:
        return ()
    delimiter = _delimiter(header)
    try:
        [cells] = csv.reader([header], delimiter=delimiter, skipinitialspace=True)
    except (csv.Error, ValueError):
        return ()
    names = tuple(cell.strip().lower().replace(" ", "_") for cell in cells)
    is_header = len(names) > 1 and _TABLE_COLUMNS.intersection(names)
    return names if is_header and all(len(name) < 100 for name in names) else ()


def _delimiter(header: str) -> str:
    return max((",", ";", "\t"), key=header.count)
