"""A row of a list: its cells under the names of their columns, and what of them cannot be read."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from incidents import site_name
from incidents.errors import FAILED, Cause, IncidentsError
from incidents.filing.cell_guard import GUARD, bare
from incidents.filing.form import folded
from incidents.filing.list_causes import cause

MAX_ROWS = 1_048_576
"""As many as a sheet of XLSX can have; of CSV and JSON as well."""

MAX_COLUMNS = 1_024
MAX_NAME = 200
MAX_CELL = 32_767
"""So many characters a cell of XLSX can hold."""

SHOWN_CHARACTERS = 80

# Line ends and tabs are what people write; a line end of its own kind becomes the common one.
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
class Wrong:
    """A cell that cannot be used: its column, what stands there (cut where it is long), and why."""

    column: str
    value: str
    detail: Cause


class Row(NamedTuple):
    """One row: the line or row that it begins on, counted from 1, and its cells that are not empty.

    With something `wrong` it is no row that anything should be taken from.
    """

    number: int
    cells: dict[str, str]
    wrong: tuple[Wrong, ...] = ()


def shown(value: str) -> str:
    """A value as a sentence quotes it, cut where it is long."""
    return value if len(value) <= SHOWN_CHARACTERS else value[: SHOWN_CHARACTERS - 1] + "…"


class Header:
    """The columns of a file; it makes rows of what stands below them.

    Where it is `guarded`, a spreadsheet may have written it, and cells are taken as `cell_guard`
    says.

    Raises:
        TableError: if the first row is no header.
    """

    def __init__(self, names: Sequence[str], file: str, row: int, *, guarded: bool = True) -> None:
        columns = [name.strip() for name in names[: MAX_COLUMNS + 1]]
        while columns and not columns[-1]:
            columns.pop()
        wrong = _complaint(columns, len(names))
        if wrong is not None:
            raise TableError(file, wrong, row=row)
        self.columns = columns
        self._guarded = guarded

    def row(self, number: int, cells: Sequence[str]) -> Row | None:
        """The row of those cells; None if all are empty."""
        whole = "".join(cells)
        if len(cells) <= len(self.columns) and whole.isprintable() and len(whole) <= MAX_CELL:
            pairs = zip(self.columns, map(str.strip, cells), strict=False)
            found = {name: text for name, text in pairs if text}
            if self._guarded and GUARD in whole:
                found = {name: bare(text) for name, text in found.items()}
            return Row(number, found) if found else None
        return self._unusual(number, cells)

    def _unusual(self, number: int, cells: Sequence[str]) -> Row | None:
        """The same, cell by cell, of a row that may have something wrong."""
        found, wrong = {}, []
        for name, cell in zip(self.columns, cells, strict=False):
            text = cell.replace("\r\n", "\n").strip()
            why = refusal(text)
            if why is not None:
                wrong.append(Wrong(name, shown(text), why))
            elif text:
                found[name] = bare(text) if self._guarded else text
        more = [text for text in cells[len(self.columns) :] if text.strip()]
        if more:
            why = cause("too_many_cells", columns=len(self.columns))
            wrong.append(Wrong("", shown(more[0]), why))
        return Row(number, found, tuple(wrong)) if found or wrong else None


def refusal(text: str) -> Cause | None:
    """Why a text can stand in no cell; None if it can."""
    if len(text) > MAX_CELL:
        return cause("long_cell", length=f"{len(text):,}", limit=f"{MAX_CELL:,}")
    control = _CONTROLS.search(text)
    return control and cause("control", character=site_name.described(control[0]))


def _complaint(columns: Sequence[str], found: int) -> Cause | None:
    """What is wrong with a header; None if nothing is."""
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
            return cause("name_control", number=n, character=site_name.described(control[0]))
        if len(name) > MAX_NAME:
            return cause("long_name", limit=MAX_NAME)
        if folded(name) in seen:
            return cause("column_twice", column=shown(name))
        seen.add(folded(name))
    return None
