"""A text file as rows: CSV (RFC 4180) or JSON; and an index of the site names seen.

The module reads the files of `export`. Names are compared by 64-bit hashes. In a list with a
million names, two hashes collide once in 30 million lists; the second name is then reported as a
duplicate.
"""

from __future__ import annotations

import csv
import json
from array import array
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, TextIO

from incidents.errors import Cause
from incidents.filing.form import SITE
from incidents.filing.lists.table_row import (
    MAX_COLUMNS,
    MAX_ROWS,
    CellProblem,
    Header,
    Row,
    TableError,
    cause,
    shown,
)
from incidents.store.schema.types import canonical
from incidents.values import parsing

MAX_LINE = 1 << 20
"""The maximum number of characters in a line."""

MAX_FIELD = csv.field_size_limit()
DELIMITERS = (",", ";", "\t")


class CsvTable:
    """The columns of a CSV file, and its rows, as they are read.

    Raises:
        TableError: if it has no header; also raised by `rows`, naming the line, if reading fails
            later, such as after an unclosed quote.
    """

    def __init__(self, text: TextIO, file: str) -> None:
        self._file = file
        before, first, lines = _beginning(_lines(text, file), file)
        self.delimiter = _delimiter(first)
        # Strict: cells quoted against RFC 4180 would be split wrongly.
        self._reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        self._before = before
        number = before + 1
        try:
            names = next(self._reader)
        except csv.Error as error:
            raise TableError(file, self._refusal(number, error), row=number) from error
        self._header = Header(names, file, number)
        self.columns = self._header.columns

    def rows(self) -> Iterator[Row]:
        """The non-empty rows."""
        reader, before, row = self._reader, self._before, self._header.row
        for _ in range(MAX_ROWS):
            number = before + reader.line_num + 1
            try:
                found = row(number, next(reader))
            except StopIteration:
                return
            except csv.Error as error:
                found = Row(number, {}, (CellProblem("", "", self._refusal(number, error)),))
            if found is not None:
                yield found
        if next(reader, None) is not None:
            raise TableError(self._file, cause("rows", limit=f"{MAX_ROWS:,}"))

    def _refusal(self, number: int, error: csv.Error) -> Cause:
        """The fault of a row; raises TableError if the rows after it cannot be trusted."""
        if parsing.is_field_too_long(error):
            why = cause("unclosed", limit=f"{MAX_FIELD:,}")
            raise TableError(self._file, why, row=number) from error
        if parsing.is_never_closed(error):
            raise TableError(self._file, cause("unclosed_to_end"), row=number) from error
        return cause("not_csv", error=parsing.csv_problem(error))


def _beginning(lines: Iterator[str], file: str) -> tuple[int, str, Iterable[str]]:
    """The number of blank lines at the start, the first other line, and all lines from there on."""
    for before, line in enumerate(lines):
        if line.strip():
            return before, line, chain((line,), lines)
    raise TableError(file, cause("empty"))


def _delimiter(header: str) -> str:
    """The most frequent delimiter of a header, outside quotes; a comma if there is none."""
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=bare.count)


def _lines(text: TextIO, file: str) -> Iterator[str]:
    number = 0
    try:
        while line := text.readline(MAX_LINE + 1):
            number += 1
            if len(line) > MAX_LINE:
                raise TableError(file, cause("long_line", limit=f"{MAX_LINE:,}"), row=number)
            yield line
    except UnicodeDecodeError as error:
        raise TableError(file, cause("changed"), row=number + 1) from error


MAX_FILING = 1 << 20
"""The maximum number of characters in a filing."""

DETAILS = "details"
_BETWEEN = " \t\r\n,"
_BEHIND = ("", *_BETWEEN, "]")
_BLOCK = 1 << 16
_KINDS = {dict: "an object", list: "a list", float: "a decimal number", bool: "true or false"}


class JsonList:
    """The filings of a JSON file as rows, counted from 1, without columns.

    Raises:
        TableError: raised by `rows` for the first filing that cannot be read; no later filing is
            read.
    """

    columns: tuple[str, ...] = ()

    def __init__(self, text: TextIO, file: str) -> None:
        self._text, self._file = text, file
        self._buffer, self._at, self._ended = "", 0, False
        self._decoder = json.JSONDecoder(object_pairs_hook=refuse_repeated)

    def rows(self) -> Iterator[Row]:
        """The filings, each as a row of `site` and its details."""
        in_array = self._next() == "["
        if in_array:
            self._at += 1
        end = "]" if in_array else ""
        for number in range(1, MAX_ROWS + 1):
            found = self._next()
            if found == end:
                break
            if found in ("", "]"):
                # Cut off, or two files in one: the rest is unknown.
                raise TableError(self._file, cause("not_json", error="it does not end as it began"))
            yield _json_row(number, self._value(number))
        else:
            if self._next() != end:
                raise TableError(self._file, cause("rows", limit=f"{MAX_ROWS:,}"))
        if in_array:
            self._at += 1
            if self._next():
                why = cause("not_json", error="text follows its end")
                raise TableError(self._file, why)

    def _next(self) -> str:
        """The next character that does not separate filings; empty at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _BETWEEN:
                    return self._buffer[self._at]
                self._at += 1
            if not self._more():
                return ""

    def _more(self) -> bool:
        try:
            # Twice as much each time, because a cut filing is parsed again.
            block = self._text.read(max(_BLOCK, len(self._buffer) - self._at))
        except UnicodeDecodeError as error:
            raise TableError(self._file, cause("changed")) from error
        self._buffer, self._at = self._buffer[self._at :] + block, 0
        return bool(block)

    def _value(self, number: int) -> Any:
        while True:
            try:
                found, self._at = self._decoder.raw_decode(self._buffer, self._at)
                break
            except (ValueError, RecursionError) as error:
                # It may only be cut off here.
                if len(self._buffer) - self._at > MAX_FILING:
                    why = cause("json_large", limit=f"{MAX_FILING:,}")
                    raise TableError(self._file, why, row=number) from error
                if isinstance(error, RecursionError) or not self._more():
                    why = cause("not_json", error=_json_refusal(error))
                    raise TableError(self._file, why, row=number) from error
        if self._buffer[self._at : self._at + 1] not in _BEHIND:
            why = cause("not_json", error="no comma or line end follows it")
            raise TableError(self._file, why, row=number)
        return found


def _json_row(number: int, found: Any) -> Row:
    if not (isinstance(found, dict) and isinstance(found.get(DETAILS, {}), dict)):
        return Row(number, {}, (CellProblem("", shown(_json_said(found)), cause("json_object")),))
    cells_by_name = {SITE: found.get(SITE), **found.get(DETAILS, {})}
    cells = {}
    wrong = [
        CellProblem(key, shown(_json_said(found[key])), cause("json_object"))
        for key in found
        if key not in (SITE, DETAILS)
    ]
    for key, value in cells_by_name.items():
        text = _json_text(value)
        if isinstance(text, Cause):
            wrong.append(CellProblem(key, shown(_json_said(value)), text))
        elif text:
            cells[key] = text
    if len(cells) > MAX_COLUMNS:
        why = cause("columns", found=f"{len(cells):,}", limit=f"{MAX_COLUMNS:,}")
        return Row(number, {}, (CellProblem("", "", why),))
    if not cells:
        return Row(number, {}, tuple(wrong))
    # As in a table: texts not allowed in a cell are refused here too.
    row = Header(list(cells), "", number, guarded=False).row(number, list(cells.values()))
    assert row is not None
    return Row(number, row.cells, (*row.wrong, *wrong))


def _json_text(value: Any) -> str | Cause:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool() | float() | list():
            return cause("json_text", kind=_KINDS[type(value)])
        case int():
            return str(value)
    return canonical(value)


def _json_said(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError):
        return ""


def _json_refusal(error: ValueError | RecursionError) -> str:
    if isinstance(error, json.JSONDecodeError):
        # Its position is only that in the current block.
        return "a quote, a comma or a bracket is missing or out of place"
    return parsing.json_problem(error)


def refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a JSON object with a repeated name, because one value would silently be lost."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise parsing.MisreadError("a name occurs twice in one object")
    return found


_BEGIN = 1 << 10


class NameIndex:
    """An index of names by their hashes, at most half full."""

    def __init__(self) -> None:
        self._count = 0
        self._hashes = array("q", bytes(8 * _BEGIN))
        self._rows = array("L", bytes(array("L").itemsize * _BEGIN))

    def first(self, name: str, row: int) -> int:
        """The number of the first row with that name; the given row for a new name."""
        # 0 marks a free slot.
        mark = hash(name) or 1
        at = self._place(mark)
        if self._hashes[at]:
            return self._rows[at]
        self._hashes[at], self._rows[at] = mark, row
        self._count += 1
        if 2 * self._count > len(self._hashes):
            self._grow()
        return row

    def _place(self, mark: int) -> int:
        hashes, last = self._hashes, len(self._hashes) - 1
        at = mark & last
        while (found := hashes[at]) and found != mark:
            at = (at + 1) & last
        return at

    def _grow(self) -> None:
        before = zip(self._hashes, self._rows, strict=True)
        size = 2 * len(self._hashes)
        self._hashes = array("q", bytes(8 * size))
        self._rows = array("L", bytes(self._rows.itemsize * size))
        for mark, row in before:
            if mark:
                at = self._place(mark)
                self._hashes[at], self._rows[at] = mark, row
