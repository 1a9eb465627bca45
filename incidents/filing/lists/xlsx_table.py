"""An XLSX file (ECMA-376) as rows: its first sheet, cell by cell, in constant memory.

openpyxl interprets number formats and dates, but does not read the sheet: it keeps every row, and
all other parts as trees, so a file of a few kilobytes can exhaust the memory, and it takes 3.6
times as long. calamine is five times as fast, but hides formulas: a cell with a formula looks like
a value, or empty.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from incidents.errors import Cause
from incidents.filing.lists import xlsx_workbook
from incidents.filing.lists.table_row import (
    MAX_CELL,
    MAX_COLUMNS,
    MAX_ROWS,
    CellProblem,
    Header,
    Row,
    TableError,
    cause,
    shown,
)
from incidents.filing.lists.xlsx_package import MAX_UNPACKED, Handler, Package, PartReader

MAX_ELEMENTS = 16_000_000
"""The maximum number of elements in a sheet: 100,000 rows of 50 cells have 10 million."""

MAX_DIGITS = 15
"""The number of digits that a spreadsheet keeps of a number (IEEE 754 as used by Excel)."""

Cells = dict[int, "str | _InvalidCell"]
"""The non-empty cells of a row, by the number of the column, from 0."""


class XlsxTable:
    """The columns of the first sheet, and its rows, as they are read.

    Raises:
        TableError: if the file is not an XLSX with a header; also raised by `rows`, naming the
            fault, if reading fails later.
        SpreadsheetLibraryError: if openpyxl is not installed.
    """

    def __init__(self, raw: BinaryIO, file: str, elements: int = sys.maxsize) -> None:
        self._file = file
        package = Package(raw, file, elements)
        book = xlsx_workbook.read(package, file)
        self.sheet, self.other_sheets = book.sheet, book.others
        self._found = _sheet_rows(package, file, book)
        number, cells = next(self._found, (1, {}))
        names, wrong = _line(cells, [])
        if not any(names) and not wrong:
            raise TableError(file, cause("empty"))
        if wrong:
            raise TableError(file, wrong[0].detail, row=number, column=wrong[0].column)
        self._header = Header(names, file, number)
        self.columns = self._header.columns

    def rows(self) -> Iterator[Row]:
        """The non-empty rows."""
        for number, cells in self._found:
            texts, wrong = _line(cells, self.columns)
            row = self._header.row(number, texts)
            if wrong:
                others = row.wrong if row else ()
                row = Row(number, row.cells if row else {}, (*wrong, *others))
            if row is not None:
                yield row


class _InvalidCell(str):
    """A cell that cannot be used, as written, with the reason."""

    __slots__ = ("why",)

    why: Cause

    @classmethod
    def of(cls, text: str, why: Cause) -> _InvalidCell:
        made = cls(text)
        made.why = why
        return made


def _line(cells: Cells, columns: list[str]) -> tuple[list[str], list[CellProblem]]:
    """The texts of a row from the first column on, and the cells that cannot be used."""
    texts = [""] * (max(cells) + 1 if cells else 0)
    wrong = []
    for n, cell in cells.items():
        if isinstance(cell, _InvalidCell):
            name = columns[n] if n < len(columns) else column_letters(n)
            wrong.append(CellProblem(name, shown(str(cell)), cell.why))
        else:
            texts[n] = cell
    return texts, wrong


def column_letters(n: int) -> str:
    """The letters of a column, counted from 0: A … Z, AA …"""
    name = ""
    n += 1
    while n:
        n, rest = divmod(n - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _sheet_rows(
    package: Package, file: str, book: xlsx_workbook.Workbook
) -> Iterator[tuple[int, Cells]]:
    """The rows of the sheet that have non-empty cells."""
    sheet = _Sheet(file, book)
    reading = PartReader(file, book.part, sheet, elements=min(MAX_ELEMENTS, package.elements))
    for block in package.part(book.part, limit=MAX_UNPACKED):
        reading.feed(block)
        yield from sheet.done
        sheet.done.clear()
    reading.feed(b"", last=True)
    yield from sheet.done


class _Sheet(Handler):
    """The handler of a sheet's XML, which puts finished rows into `done`."""

    def __init__(self, file: str, book: xlsx_workbook.Workbook) -> None:
        self.done: list[tuple[int, Cells]] = []
        self._file, self._values = file, _CellValues(file, book)
        self._row, self._column, self._cells = 0, -1, Cells()
        self._kind, self._style, self._formula = "n", "0", False
        self._pieces: list[str] = []
        self._kept = 0
        self._listening = False
        self._said = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._cell(attributes)
        elif name in ("v", "t"):
            self._listening = not self._said
        elif name == "row":
            self._begin_row(attributes.get("r"))
        elif name == "f":
            self._formula = True
        elif name == "rPh":
            self._said += 1

    def end(self, name: str) -> None:
        if name in ("v", "t"):
            self._listening = False
        elif name == "c":
            self._end_cell()
        elif name == "row" and self._cells:
            self.done.append((self._row, self._cells))
            self._cells = {}
        elif name == "rPh":
            self._said -= 1

    def text(self, piece: str) -> None:
        # A text is cut one character beyond the limit of a cell, to detect it.
        if self._listening and self._kept <= MAX_CELL:
            self._pieces.append(piece)
            self._kept += len(piece)

    def _begin_row(self, given: str | None) -> None:
        if given is None:
            row = self._row + 1
        elif given.isascii() and given.isdecimal() and len(given) < 8:
            row = int(given)
        else:
            raise TableError(self._file, cause("bad_cell", cell=shown(given)))
        if row <= self._row:
            raise TableError(self._file, cause("row_order", row=row, before=self._row), row=row)
        if row > MAX_ROWS:
            raise TableError(self._file, cause("rows", limit=f"{MAX_ROWS:,}"))
        self._row, self._column, self._cells = row, -1, {}

    def _cell(self, attributes: dict[str, str]) -> None:
        reference = attributes.get("r")
        self._column = self._column + 1 if reference is None else self._place(reference)
        self._kind = attributes.get("t", "n")
        self._style = attributes.get("s", "0")
        self._formula, self._pieces, self._kept = False, [], 0

    def _place(self, reference: str) -> int:
        column = 0
        for n, character in enumerate(reference):
            if not "A" <= character <= "Z":
                if n and reference[n:] == str(self._row):
                    return column - 1
                break
            column = column * 26 + ord(character) - 64
            if n > 2:
                break
        raise TableError(self._file, cause("bad_cell", cell=shown(reference)), row=self._row)

    def _end_cell(self) -> None:
        text = "".join(self._pieces)
        if self._formula:
            self._keep(_InvalidCell.of(text, cause("formula")))
        elif text:
            self._keep(self._values.read(text, self._kind, self._style))

    def _keep(self, cell: str) -> None:
        if not cell and not isinstance(cell, _InvalidCell):
            return
        # Cells far to the right are reported, without growing the row to 16,384 cells.
        self._cells[min(self._column, MAX_COLUMNS)] = cell


class _CellValues:
    """The conversion of cell values to text, by type (ECMA-376, part 1, 18.18.11)."""

    def __init__(self, file: str, book: xlsx_workbook.Workbook) -> None:
        self._file, self._book = file, book
        self._days = {str(style) for style in book.days}

    def read(self, value: str, kind: str, style: str) -> str:
        match kind:
            case "s":
                return self._shared(value)
            case "inlineStr" | "str":
                return xlsx_workbook.unescaped(value)
            case "b":
                return "TRUE" if value == "1" else "FALSE"
            case "e":
                return _InvalidCell.of(value, cause("cell_error", value=shown(value)))
            case "d":
                return value.removesuffix("T00:00:00")
            case "n":
                return self._day(value) if style in self._days else number(value)
        return _InvalidCell.of(value, cause("bad_cell", cell=shown(kind)))

    def _shared(self, value: str) -> str:
        try:
            return self._book.strings[int(value)]
        except (ValueError, IndexError) as error:
            raise TableError(self._file, cause("bad_cell", cell=shown(value))) from error

    def _day(self, value: str) -> str:
        from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

        epoch = MAC_EPOCH if self._book.since_1904 else WINDOWS_EPOCH
        try:
            found = from_excel(float(value), epoch)
        except (ValueError, OverflowError, TypeError):
            found = None
        match found:
            case datetime() if found.time() == time_of_day():
                return found.date().isoformat()
            case date() | time_of_day():
                return found.isoformat()
            case timedelta():
                return str(found)
        return _InvalidCell.of(value, cause("no_date", value=shown(value)))


def number(value: str) -> str:
    """A number as a person would type it: a phone number has no exponent and no decimal point."""
    if value.isascii() and value.isdecimal() and len(value) <= MAX_DIGITS:
        return value
    try:
        exact = Decimal(value)
    except InvalidOperation:
        return _InvalidCell.of(value, cause("bad_cell", cell=shown(value)))
    if not exact.is_finite() or abs(exact) >= 10**MAX_DIGITS:
        return _InvalidCell.of(value, cause("digits"))
    whole = exact.to_integral_value()
    return str(int(whole)) if exact == whole else repr(float(value))
