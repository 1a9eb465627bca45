"""The export: the entries as JSON Lines, to the byte as they are stored, or as CSV and back.

CSV is RFC 4180 in UTF-8 with a header. Where a spreadsheet could take a cell for a formula, an
apostrophe stands before it: before every text that begins with anything but a letter, a digit or
the bracket of JSON. Taking one leading apostrophe away gives the text back. An empty cell is a
field that the entry does not have.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from sqlalchemy import Connection, Select, func, select

from incidents.audit.entry import UnreadableEntryError
from incidents.errors import InputError
from incidents.store.tables import entries
from incidents.store.types import canonical

AT_ONCE = 1_000
"""So many entries are held in memory at a time."""

COLUMNS = (
    "site", "site_id", "site_seq", "kind", "occurred_at", "recorded_at", "actor", "login",
    "policy", "rule", "reason", "data", "run", "v",
)  # fmt: skip
"""The columns of the CSV, one for each field of an entry."""

_AS_JSON = frozenset({"reason", "data", "run", "v"})
_OPTIONAL = frozenset({"login", "rule", "reason", "run"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which entries: of one site, recorded at or after `since` and before `until` (UTC)."""

    site_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None


def bodies(connection: Connection, wanted: Selection) -> Iterator[str]:
    """The entries as they are stored, in the order of their ids, a few at a time."""
    statement = _of(select(entries.c.body), wanted).order_by(entries.c.id)
    streamed = connection.execution_options(stream_results=True, yield_per=AT_ONCE)
    for part in streamed.scalars(statement).partitions():
        yield from part


def count(connection: Connection, wanted: Selection) -> int:
    """How many entries there are."""
    return connection.scalar(_of(select(func.count()).select_from(entries), wanted)) or 0


def jsonl(stored: Iterable[str]) -> Iterator[bytes]:
    """The entries as JSON Lines: exactly their bytes, and a line feed."""
    for body in stored:
        yield body.encode() + b"\n"


def write_csv(stored: Iterable[str]) -> Iterator[bytes]:
    """The entries as CSV, the header first.

    Raises:
        UnreadableEntryError: of an entry that has other fields than the desk writes.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for body in stored:
        writer.writerow(_cells(body))
        yield _taken(buffer)
    yield _taken(buffer)


def read_csv(file: BinaryIO) -> Iterator[bytes]:
    """The canonical bytes of each entry of what `write_csv` has written, without line feeds.

    Raises:
        InputError: of a file that is not such a CSV, naming the line.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        rows = csv.reader(text, strict=True)
        if tuple(next(rows, ())) != COLUMNS:
            raise InputError(f"line 1 is not the header of an export: {','.join(COLUMNS)}")
        for row in rows:
            yield _entry(row, rows.line_num)
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"not the CSV of an export: {error}") from error
    finally:
        text.detach()


def _of(statement: Select[Any], wanted: Selection) -> Select[Any]:
    if wanted.site_id is not None:
        statement = statement.where(entries.c.site_id == wanted.site_id)
    if wanted.since is not None:
        statement = statement.where(entries.c.recorded_at >= wanted.since)
    if wanted.until is not None:
        statement = statement.where(entries.c.recorded_at < wanted.until)
    return statement


def _taken(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _cells(body: str) -> list[str]:
    try:
        entry = json.loads(body)
        strangers = entry.keys() - set(COLUMNS)
        if strangers:
            raise UnreadableEntryError(detail=f"it has a field {min(strangers)!r}")
        return [_cell(name, entry.get(name)) for name in COLUMNS]
    except (ValueError, AttributeError, TypeError) as error:
        raise UnreadableEntryError(detail=f"{type(error).__name__}: {error}") from error


def _cell(name: str, value: Any) -> str:
    if name in _AS_JSON:
        return "" if value is None else canonical(value)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {value!r}")
    return "'" + value if _looks_dangerous(value, name) else value


def _looks_dangerous(text: str, name: str) -> bool:
    if not text:
        # Of what can be missing, an empty cell says that it is.
        return name in _OPTIONAL
    return not text[0].isalnum()


def _entry(row: list[str], line: int) -> bytes:
    if len(row) != len(COLUMNS):
        raise InputError(f"line {line} has {len(row)} cells, not {len(COLUMNS)}")
    entry: dict[str, Any] = {}
    for name, cell in zip(COLUMNS, row, strict=True):
        if cell or name not in _OPTIONAL:
            entry[name] = _value(name, cell, line)
    return canonical(entry).encode()


def _value(name: str, cell: str, line: int) -> Any:
    if name not in _AS_JSON:
        return cell.removeprefix("'")
    try:
        return json.loads(cell)
    except ValueError as error:
        raise InputError(f"line {line}: {name} is not JSON: {error}") from error
