"""A table file: a list as rows, from CSV, XLSX or JSON, in any usual encoding.

The file is read in pieces, so that memory does not grow with its size. Its type is detected by its
first bytes, not by its name.
"""

from __future__ import annotations

import codecs
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO

from incidents.errors import FileError
from incidents.filing.lists.table_row import Row, TableError, cause
from incidents.filing.lists.text_table import CsvTable, JsonList
from incidents.filing.lists.xlsx_package import Wrapped

ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "gb18030": "GB18030",
}
"""The encodings that can be read, with Python's name for each."""

_MARKS = (
    # Before UTF-16, whose mark is a prefix of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 18


def detect_encoding(raw: BinaryIO, file: str) -> str:
    """Python's name for the encoding of `raw`, which is rewound to its beginning.

    Without a byte order mark the encoding is UTF-8 if the whole file is valid, otherwise GB18030
    (GB 18030-2005, which includes GBK and GB 2312).

    Raises:
        TableError: naming the first invalid byte and its offset.
    """
    beginning = raw.read(4)
    raw.seek(0)
    marked = next((name for mark, name in _MARKS if beginning.startswith(mark)), None)
    if marked == "utf-32":
        raise TableError(file, cause("utf_32"))
    if marked is not None:
        flaw = _first_invalid(raw, marked)
        if flaw is not None:
            named = ENCODINGS[marked].removesuffix(" with BOM")
            raise TableError(file, cause("marked_encoding", **_told(raw, flaw), encoding=named))
        return marked
    flaws = {}
    for name in ("utf-8", "gb18030"):
        flaw = _first_invalid(raw, name)
        if flaw is None:
            return name
        flaws[name] = flaw
    # The encoding that is valid for longer is the likely one.
    raise TableError(file, cause("encoding", **_told(raw, max(flaws.values()))))


def _first_invalid(raw: BinaryIO, name: str) -> int | None:
    """The offset of the first byte that is invalid in the encoding; None if all are valid."""
    decoder, offset = codecs.getincrementaldecoder(name)(), 0
    try:
        while True:
            block = raw.read(_BLOCK)
            held = len(decoder.getstate()[0])
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                return max(offset - held + error.start, 0)
            if not block:
                return None
            offset += len(block)
    finally:
        raw.seek(0)


def _told(raw: BinaryIO, offset: int) -> dict[str, str]:
    raw.seek(offset)
    byte = raw.read(1)
    raw.seek(0)
    return {"byte": f"0x{byte[0]:02X}" if byte else "(none)", "offset": f"{offset:,}"}


STDIN = "-"
MAX_BYTES = 1 << 30
"""The maximum size of a file; XLSX files, which are compressed, have further limits."""

XLSX, CSV, JSON = "XLSX", "CSV", "JSON"

_ZIP, _OLE2 = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

OnProgress = Callable[[int], object]


@dataclass(slots=True, kw_only=True)
class TableFile:
    """A table file that is being read; `rows` can be iterated only once.

    `encoding`: such as `UTF-8` or `GB18030`; empty for XLSX, where `sheet` is the sheet that is
    read, and `other_sheets` are not read. `columns`: empty for JSON, where each filing has its own.
    """

    file: str
    kind: str
    encoding: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    columns: Sequence[str] = ()
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))


@contextmanager
def open_table(file: str, *, done: OnProgress = lambda _: None) -> Iterator[TableFile]:
    """Open the table in `file` (`-`: standard input); `done` gets the number of bytes read.

    Raises:
        FileError: if the file cannot be read.
        TableError: if it is not a table; also raised by `rows`, if reading fails later.
        SpreadsheetLibraryError: for XLSX, if openpyxl is not installed.
    """
    try:
        with (
            _spooled() if file == STDIN else Path(file).open("rb") as raw,
            read(raw, file, done=done) as table,
        ):
            yield table
    except BrokenPipeError:
        # The reader of the answer has gone; the file is valid.
        raise
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror or str(error)) from error


@contextmanager
def read(
    raw: BinaryIO, file: str, *, done: OnProgress = lambda _: None, elements: int = sys.maxsize
) -> Iterator[TableFile]:
    """Read an open, seekable file, named `file` in errors; `elements` limits an XLSX.

    Raises the same errors as `open_table`, except FileError.
    """
    size = raw.seek(0, 2)
    raw.seek(0)
    if size > MAX_BYTES:
        raise TableError(file, cause("large", limit=f"{MAX_BYTES:,}"))
    beginning = raw.read(len(_OLE2))
    raw.seek(0)
    if beginning.startswith(_OLE2):
        raise TableError(file, cause("old_xls"))
    buffered = BufferedReader(_ProgressReader(raw, done), _BLOCK)
    try:
        if beginning.startswith(_ZIP):
            yield _xlsx(buffered, file, elements)
        else:
            with _text(buffered, detect_encoding(raw, file)) as text:
                yield _read_text(text, file)
    finally:
        buffered.detach()


def _xlsx(raw: BufferedReader[_ProgressReader], file: str, elements: int) -> TableFile:
    from incidents.filing.lists.xlsx_table import XlsxTable

    table = XlsxTable(raw, file, elements)
    return TableFile(
        file=file, kind=XLSX, sheet=table.sheet, other_sheets=table.other_sheets,
        columns=table.columns, rows=table.rows(),
    )  # fmt: skip


@contextmanager
def _text(raw: BufferedReader[_ProgressReader], encoding: str) -> Iterator[TextIOWrapper]:
    text = TextIOWrapper(raw, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _read_text(text: TextIOWrapper, file: str) -> TableFile:
    """Read a text table: JSON if it begins like JSON, otherwise CSV."""
    first = text.read(1024).lstrip()[:1]
    text.seek(0)
    table = JsonList(text, file) if first and first in "[{" else CsvTable(text, file)
    return TableFile(
        file=file,
        kind=CSV if isinstance(table, CsvTable) else JSON,
        encoding=ENCODINGS[text.encoding],
        columns=table.columns,
        rows=table.rows(),
    )


@contextmanager
def _spooled() -> Iterator[BinaryIO]:
    """Standard input, copied to a temporary file because it is read twice."""
    with tempfile.TemporaryFile() as kept:
        size = 0
        while block := sys.stdin.buffer.read(_BLOCK):
            size += len(block)
            if size > MAX_BYTES:
                raise TableError(STDIN, cause("large", limit=f"{MAX_BYTES:,}"))
            kept.write(block)
        yield kept


class _ProgressReader(Wrapped):
    """A file that calls `done` with the number of bytes read."""

    def __init__(self, raw: BinaryIO, done: OnProgress) -> None:
        super().__init__(raw)
        self._done = done

    def readinto(self, buffer: Any, /) -> int:
        block = self._raw.read(len(buffer))
        buffer[: len(block)] = block
        self._done(len(block))
        return len(block)
