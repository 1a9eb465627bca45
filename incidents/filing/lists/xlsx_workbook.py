"""The workbook of an XLSX file: the sheet to read, its shared strings, and its date formats."""

from __future__ import annotations

import posixpath
import re
from array import array
from dataclasses import dataclass, field

from incidents.errors import LibraryError
from incidents.filing.lists import xlsx_package
from incidents.filing.lists.table_row import MAX_CELL, TableError, cause

MAX_PART = 8 << 20
MAX_STRINGS = 64 << 20
"""The maximum size of all shared strings (UTF-8); with their tags, four times this size."""

MAX_TEXT_ELEMENTS = 6_000_000

_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_HIDDEN = ("hidden", "veryHidden")


class SpreadsheetLibraryError(LibraryError):
    """XLSX files need {library}, which is not installed"""

    extra = "filing"


class Strings(xlsx_package.Handler):
    """The shared strings of a sheet's cells, in one block of memory."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._all, self._ends = bytearray(), array("Q", [0])
        self._pieces: list[str] | None = None
        self._said, self._kept = 0, 0

    def __getitem__(self, n: int) -> str:
        if not 0 <= n < len(self._ends) - 1:
            raise IndexError(n)
        return self._all[self._ends[n] : self._ends[n + 1]].decode()

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        """Begin a text at the tag `si`; phonetic hints (`rPh`) are ignored."""
        if name == "si":
            self._pieces, self._kept = [], 0
        elif name == "rPh":
            self._said += 1

    def end(self, name: str) -> None:
        """End a text."""
        if name == "rPh":
            self._said -= 1
        elif name == "si" and self._pieces is not None:
            self._all += unescaped("".join(self._pieces)).encode()
            self._ends.append(len(self._all))
            self._pieces = None
            if len(self._all) > MAX_STRINGS:
                raise TableError(self._file, cause("strings", limit=f"{MAX_STRINGS:,}"))

    def text(self, piece: str) -> None:
        """Add a piece of a text, cut one character beyond a cell's limit to detect excess."""
        if self._pieces is not None and not self._said and self._kept <= MAX_CELL:
            self._pieces.append(piece)
            self._kept += len(piece)


@dataclass(slots=True)
class _Workbook(xlsx_package.Handler):
    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    """For each sheet, its name, the ID of its relation, and whether it is hidden."""
    since_1904: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith(":id")), "")
            hidden = attributes.get("state") in _HIDDEN
            self.sheets.append((attributes.get("name", ""), relation, hidden))
        elif name == "workbookPr":
            self.since_1904 = attributes.get("date1904") in ("1", "true")


@dataclass(slots=True)
class _Relations(xlsx_package.Handler):
    targets: dict[str, str] = field(default_factory=dict)
    """The targets of relations, by the relation's ID and by the last word of its type."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "")
            self.targets[attributes.get("Id", "")] = target
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.targets.setdefault(f"/{kind}", target)


@dataclass(slots=True)
class _Styles(xlsx_package.Handler):
    formats: dict[int, str] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)
    """The number format of each cell style."""
    _in_cells: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            number = int(attributes.get("numFmtId", "0"))
            self.formats[number] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cells = True
        elif name == "xf" and self._in_cells:
            self.used.append(int(attributes.get("numFmtId", "0")))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cells = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Workbook:
    """The data needed to read a sheet from its `part`.

    `days`: the styles that are dates or times. `others`: the names of the sheets that are not read.
    """

    sheet: str
    others: tuple[str, ...]
    part: str
    strings: Strings
    days: frozenset[int]
    since_1904: bool


def read(package: xlsx_package.Package, file: str) -> Workbook:
    """The workbook of a package, with its first visible sheet.

    Raises:
        TableError: naming the missing or unreadable part.
        SpreadsheetLibraryError: if openpyxl, which knows the date formats, is not installed.
    """
    main = _main(package, file)
    book = _Workbook()
    _read(package, file, main, book)
    relations = _relations(package, file, main)
    shown = [(name, relation) for name, relation, hidden in book.sheets if not hidden]
    name, relation = shown[0] if shown else ("", "")
    if relation not in relations:
        raise TableError(file, cause("no_sheet"))
    strings = Strings(file)
    if "/sharedStrings" in relations:
        part = relations["/sharedStrings"]
        _read(package, file, part, strings, limit=4 * MAX_STRINGS, elements=MAX_TEXT_ELEMENTS)
    return Workbook(
        sheet=name,
        others=tuple(other for other, _ in shown[1:]),
        part=relations[relation],
        strings=strings,
        days=_days(package, file, relations.get("/styles")),
        since_1904=book.since_1904,
    )


def unescaped(text: str) -> str:
    """The text without XLSX escapes such as `_x000D_` (ECMA-376, part 1, 22.9.2.19)."""
    return _ESCAPED.sub(lambda m: chr(int(m[1], 16)), text) if "_x" in text else text


def _main(package: xlsx_package.Package, file: str) -> str:
    """The name of the part that holds the workbook."""
    found = _Relations()
    _read(package, file, "_rels/.rels", found)
    main = found.targets.get("/officeDocument", "").lstrip("/")
    if main.endswith(".bin"):
        raise TableError(file, cause("xlsb"))
    if main not in package:
        raise TableError(file, cause("not_xlsx", part="xl/workbook.xml"))
    return main


def _relations(package: xlsx_package.Package, file: str, main: str) -> dict[str, str]:
    """The parts that the workbook refers to."""
    folder, name = posixpath.split(main)
    found = _Relations()
    _read(package, file, f"{folder}/_rels/{name}.rels".lstrip("/"), found)
    # A target with a leading slash is absolute; join keeps it.
    return {
        key: posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
        for key, target in found.targets.items()
    }


def _read(
    package: xlsx_package.Package, file: str, part: str, handler: xlsx_package.Handler, *,
    limit: int = MAX_PART, elements: int = xlsx_package.MAX_ELEMENTS,
) -> None:  # fmt: skip
    blocks, most = package.part(part, limit=limit), min(elements, package.elements)
    package.elements -= xlsx_package.read(blocks, file, part, handler, elements=most)


def _days(package: xlsx_package.Package, file: str, part: str | None) -> frozenset[int]:
    if part is None or part not in package:
        return frozenset()
    try:
        from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format
    except ModuleNotFoundError as error:
        raise SpreadsheetLibraryError(library=error.name) from error
    styles = _Styles()
    try:
        _read(package, file, part, styles)
    except ValueError as error:
        raise TableError(file, cause("bad_xml", part=part, where="")) from error
    shown = dict(BUILTIN_FORMATS) | styles.formats
    days = {number for number in set(styles.used) if is_date_format(shown.get(number) or "")}
    return frozenset(n for n, number in enumerate(styles.used) if number in days)
