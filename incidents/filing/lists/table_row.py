"""A row of a list: its cells by column, and the reason if the row cannot be used.

Against CSV injection (OWASP), an apostrophe escapes cells that look like formulas. If a text itself
begins with an apostrophe, this is escaped too, so that removing one apostrophe restores each text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from incidents.errors import FAILED, Cause, IncidentsError
from incidents.filing.form import normalize
from incidents.values import site_name

CAUSES: dict[str, str] = {
    # The file.
    "empty": "it is empty: a customer list is CSV or XLSX with a header, or JSON",
    "large": "it has more than {limit} bytes: split it",
    "rows": "it has more than {limit} rows: split it",
    "changed": "it changed while it was read: import it again",
    "utf_32": "it is UTF-32: save it as UTF-8",
    "encoding": "the byte {byte} at offset {offset} is neither UTF-8 nor GB18030: save the list as"
    " UTF-8, or as UTF-16 with a byte order mark (BOM)",
    "marked_encoding": "the byte {byte} at offset {offset} is not {encoding}, although the byte"
    " order mark (BOM) says so: save it as UTF-8",
    # The header.
    "no_header": "it has no header: the first row must name the columns, such as site and"
    " subject_name",
    "no_name": "column {number} has no name: name it, or remove it",
    "column_twice": "the column {column} occurs twice: keep one of them",
    "columns": "it has {found} columns; the limit is {limit}",
    "long_name": "a column name has more than {limit} characters: is the first row a header?",
    "name_control": "the name of column {number} contains {character}: remove it, or save the list"
    " as UTF-8",
    "unknown_column": "{column!r} is not a field of a filing{nearest}: rename it, or ignore"
    " unknown columns",
    "no_site": "no column has the site's name: call one column site, 域名 or 网站",
    "same_column": "the columns {column!r} and {other!r} are the same field, {field}: keep one of"
    " them",
    # A row.
    "long_line": "a line has more than {limit} characters: is it a customer list?",
    "unclosed": "the quote opened here is not closed within {limit} characters: close it, or"
    " double a literal quote",
    "unclosed_to_end": "the quote opened here is never closed: close it, or double a literal quote",
    "not_csv": "it is not CSV ({error}): double a literal quote",
    "too_many_cells": "it has more cells than the header has columns ({columns}): put a text with"
    " a delimiter in quotes",
    "control": "it contains {character}: remove it",
    "long_cell": "it has {length} characters; the limit is {limit}: shorten it",
    # JSON.
    "not_json": "it is not JSON ({error})",
    "json_large": "one filing has more than {limit} characters, or the JSON is broken",
    "json_object": "it is not a JSON object with site and details",
    "json_text": "it is {kind}: write it as text",
    # XLSX.
    "old_xls": "it is an old .xls file or has a password: save it as .xlsx without a password",
    "encrypted": "its part {part} is encrypted: save it without a password",
    "not_zip": "it is not a readable XLSX file: save it again as .xlsx or as CSV",
    "zip_part": "its part {part} cannot be unpacked: save it again as .xlsx or as CSV",
    "zip_directory": "its directory has more than {limit} bytes: no spreadsheet needs that many",
    "zip_members": "it has {found} parts; the limit is {limit}: copy only the list into a new file",
    "zip_twice": "its part {part} occurs twice: save it again as .xlsx",
    "zip_method": "its part {part} has a compression that XLSX does not use: save it again as"
    " .xlsx",
    "zip_size": "its part {part} unpacks to more than {limit} bytes: copy only the list into a new"
    " file, or save it as CSV",
    "zip_ratio": "its part {part} unpacks to more than {limit} times its size: save it as CSV",
    "not_xlsx": "it is a ZIP file but not XLSX ({part} is missing): save the list as .xlsx or as"
    " CSV",
    "xlsb": "it is an .xlsb file: save it as .xlsx or as CSV",
    "no_sheet": "it has no sheet with cells: save the list as .xlsx or as CSV",
    "bad_xml": "its part {part} is not readable XML{where}: save it again as .xlsx",
    "doctype": "its part {part} declares a document type, which no spreadsheet does: save it again"
    " as .xlsx or as CSV",
    "deep": "its part {part} is nested deeper than {limit} levels: save it again as .xlsx",
    "elements": "its part {part} has more than {limit} elements: copy only the list into a new"
    " file, or save it as CSV",
    "long_token": "its part {part} has a piece of more than {limit} characters: save it as CSV",
    "strings": "its texts have more than {limit} bytes in total: save it as CSV",
    "row_order": "row {row} comes after row {before}: save it again as .xlsx",
    "bad_cell": "the cell {cell} is not written as in XLSX: save it again as .xlsx",
    "formula": "it is a formula: replace it by its value (paste as values)",
    "cell_error": "it is the formula error {value}: write the filed value",
    "digits": "it is a number of more than 15 digits, but a spreadsheet keeps only 15: format the"
    " cell as text and type the number again",
    "no_date": "{value} is not a date: write it like 2026-01-02",
    # A customer.
    "site_missing": "the site's name is missing: write one such as shop.example",
    "site": "{cause}",
    "site_twice": "row {row} has the same site: merge both rows",
    "choice": "it is not one of the form's choices: write one of {known}",
    "early_day": "it is before {first}: check the date",
    "day": "it is not a date: write it like 2026-01-02, 2026/1/2 or 2026年1月2日",
    "long": "it has {length} characters; the limit is {limit}: shorten it",
    "one_line": "it has a line break: write it on one line",
    "label": "{label!r} is not a label: use at most 40 lower-case letters, digits and hyphens",
    "items": "there are {found}; the limit for one filing is {limit}",
    "item_json": 'it is not a JSON object of texts: write it like {{"{field}":"…"}}',
    "item_field": "unknown part {part!r}: use {known}",
    "item_twice": "another column has it too: keep one of them",
    "digest": "it is not a SHA-256: write its 64 hexadecimal digits",
    "number": "it is not a number: write only digits",
}


def cause(code: str, **facts: Any) -> Cause:
    """The cause of a problem, with that code."""
    return Cause.of(f"list_{code}", CAUSES[code], **facts)


GUARD = "'"
_FORMULA_STARTS = frozenset("=+-@\t\r＝＋－＠" + GUARD)
"""The first characters of formulas, including their full-width forms, and the apostrophe."""


def guarded(text: str) -> str:
    """The text to write into a cell, escaped if needed."""
    return GUARD + text if text[:1] in _FORMULA_STARTS else text


def unguarded(cell: str) -> str:
    """The text of a cell, with the escaping apostrophe removed."""
    return cell[1:] if cell[:1] == GUARD and cell[1:2] in _FORMULA_STARTS else cell


MAX_ROWS = 1_048_576
"""The maximum number of rows in an XLSX sheet, which also applies to CSV and JSON."""

MAX_COLUMNS = 1_024
MAX_NAME = 200
MAX_CELL = 32_767
"""The maximum number of characters in an XLSX cell."""

SHOWN_CHARACTERS = 80

# Line ends and tabs are allowed; other line ends become the common one.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class TableError(IncidentsError):
    """{where}: {detail}"""

    exit_status: ClassVar[int] = FAILED

    def __init__(
        self, file: str, detail: Cause, *, row: int | None = None, column: str | None = None
    ) -> None:
        where = file if row is None else f"{file}, row {row}"
        where = where if column is None else f"{where}, column {column}"
        super().__init__(None, where=where, file=file, row=row, column=column, detail=detail)


@dataclass(frozen=True, slots=True)
class CellProblem:
    """An unusable cell: its column, its text (cut if long), and the reason."""

    column: str
    value: str
    detail: Cause


class Row(NamedTuple):
    """A row: the number of its first line or of the row, from 1, and its non-empty cells.

    A row with something `wrong` must not be used.
    """

    number: int
    cells: dict[str, str]
    wrong: tuple[CellProblem, ...] = ()


def shown(value: str) -> str:
    """A value as quoted in a message, cut if long."""
    return value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"


class Header:
    """The columns of a file, which turn cells into rows.

    `guarded`: a spreadsheet might have written the file, so escapes are removed.

    Raises:
        TableError: if the first row is not a header.
    """

    def __init__(self, names: Sequence[str], file: str, row: int, *, guarded: bool = True) -> None:
        columns = [name.strip() for name in names[: MAX_COLUMNS + 1]]
        while columns and not columns[-1]:
            columns.pop()
        wrong = _header_fault(columns, len(names))
        if wrong is not None:
            raise TableError(file, wrong, row=row)
        self.columns = columns
        self._guarded = guarded

    def row(self, number: int, cells: Sequence[str]) -> Row | None:
        """A row made of those cells; None if all are empty."""
        whole = "".join(cells)
        if len(cells) <= len(self.columns) and whole.isprintable() and len(whole) <= MAX_CELL:
            pairs = zip(self.columns, map(str.strip, cells), strict=False)
            found = {name: text for name, text in pairs if text}
            if self._guarded and GUARD in whole:
                found = {name: unguarded(text) for name, text in found.items()}
            return Row(number, found) if found else None
        return self._checked_row(number, cells)

    def _checked_row(self, number: int, cells: Sequence[str]) -> Row | None:
        """The row with its problems, cell by cell."""
        found, wrong = {}, []
        for name, cell in zip(self.columns, cells, strict=False):
            text = cell.replace("\r\n", "\n").strip()
            why = text_fault(text)
            if why is not None:
                wrong.append(CellProblem(name, shown(text), why))
            elif text:
                found[name] = unguarded(text) if self._guarded else text
        more = [text for text in cells[len(self.columns) :] if text.strip()]
        if more:
            why = cause("too_many_cells", columns=len(self.columns))
            wrong.append(CellProblem("", shown(more[0]), why))
        return Row(number, found, tuple(wrong)) if found or wrong else None


def text_fault(text: str) -> Cause | None:
    """The reason why a text is not allowed in a cell; None if it is allowed."""
    if len(text) > MAX_CELL:
        return cause("long_cell", length=f"{len(text):,}", limit=f"{MAX_CELL:,}")
    control = _CONTROLS.search(text)
    return control and cause("control", character=site_name.describe(control[0]))


def _header_fault(columns: Sequence[str], found: int) -> Cause | None:
    """The fault of a header; None if it is valid."""
    if not columns:
        return cause("no_header")
    if len(columns) > MAX_COLUMNS:
        return cause("columns", found=f"{found:,}", limit=f"{MAX_COLUMNS:,}")
    seen = set()
    for n, name in enumerate(columns, start=1):
        control = _CONTROLS.search(name)
        if not name:
            return cause("no_name", number=n)
        if control:
            return cause("name_control", number=n, character=site_name.describe(control[0]))
        if len(name) > MAX_NAME:
            return cause("long_name", limit=MAX_NAME)
        if normalize(name) in seen:
            return cause("column_twice", column=shown(name))
        seen.add(normalize(name))
    return None
