"""A table file: a list as rows, be it CSV, XLSX or JSON, in any usual encoding.

It is read piece by piece, so that its size is no size of memory. What it is is told by its first
bytes, not by its name.
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

NAMES = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with BOM",
    "utf-16": "UTF-16",
    "gb18030": "GB18030",
}
"""The encodings that are read, by Python's name for each."""

_MARKS = (
    # Before that of UTF-16, whose mark is the beginning of this one.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BLOCK = 1 << 18


def find(raw: BinaryIO, file: str) -> str:
    """Python's name of the encoding of `raw`, which stands at its beginning before and after.

    Without a mark what is UTF-8 to its end is UTF-8, and what else is GB18030 (GB 18030-2005, of
    which GBK and GB 2312 are parts) to its end is that.

    Raises:
        TableError: naming the first byte that is in no such encoding, and its offset.
    """
    beginning = raw.read(4)
    raw.seek(0)
    marked = next((name for mark, name in _MARKS if beginning.startswith(mark)), None)
    if marked == "utf-32":
        raise TableError(file, cause("utf_32"))
    if marked is not None:
        flaw = _flaw(raw, marked)
        if flaw is not None:
            named = NAMES[marked].removesuffix(" with BOM")
            raise TableError(file, cause("marked_encoding", **_told(raw, flaw), encoding=named))
        return marked
    flaws = {}
    for name in ("utf-8", "gb18030"):
        flaw = _flaw(raw, name)
        if flaw is None:
            return name
        flaws[name] = flaw
    # The one that it follows for longer is what it is likely meant to be.
    raise TableError(file, cause("encoding", **_told(raw, max(flaws.values()))))


def _flaw(raw: BinaryIO, name: str) -> int | None:
    """The offset of the first byte that is not of that encoding; None if all are."""
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
"""So many bytes a file has at most; XLSX is packed, and has limits of its own."""

XLSX, CSV, JSON = "XLSX", "CSV", "JSON"

_ZIP, _OLE2 = b"PK", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Done = Callable[[int], object]


@dataclass(slots=True, kw_only=True)
class TableFile:
    """A file that is being read: `rows` can be gone through once.

    `encoding` says what its bytes were read as, `UTF-8`, `GB18030` and so on; of XLSX it is empty,
    and `sheet` is the one that is read, `other_sheets` those that are not. `columns` are empty for
    JSON, where each filing has its own.
    """

    file: str
    kind: str
    encoding: str = ""
    sheet: str = ""
    other_sheets: tuple[str, ...] = ()
    columns: Sequence[str] = ()
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))


@contextmanager
def opened(file: str, *, done: Done = lambda _: None) -> Iterator[TableFile]:
    """The table in `file` (`-`: standard input); `done` hears of bytes as they go by.

    Raises:
        FileError: if it cannot be read.
        TableError: if it is no table; from `rows` too, where it cannot be followed any more.
        SpreadsheetLibraryError: for XLSX, if openpyxl is not installed.
    """
    try:
        with (
            _spooled() if file == STDIN else Path(file).open("rb") as raw,
            read(raw, file, done=done) as table,
        ):
            yield table
    except BrokenPipeError:
        # Whoever reads the answer has gone, and the file is as good as before.
        raise
    except OSError as error:
        raise FileError(file=file, done="read", detail=error.strerror or str(error)) from error


@contextmanager
def read(
    raw: BinaryIO, file: str, *, done: Done = lambda _: None, elements: int = sys.maxsize
) -> Iterator[TableFile]:
    """The same of something that is open already and can be gone back in, called `file`; an XLSX
    has at most so many elements.

    Raises as `opened` does, but for FileError.
    """
    size = raw.seek(0, 2)
    raw.seek(0)
    if size > MAX_BYTES:
        raise TableError(file, cause("large", limit=f"{MAX_BYTES:,}"))
    beginning = raw.read(len(_OLE2))
    raw.seek(0)
    if beginning.startswith(_OLE2):
        raise TableError(file, cause("old_xls"))
    heard = BufferedReader(_Heard(raw, done), _BLOCK)
    try:
        if beginning.startswith(_ZIP):
            yield _xlsx(heard, file, elements)
        else:
            with _text(heard, find(raw, file)) as text:
                yield _of_text(text, file)
    finally:
        heard.detach()


def _xlsx(raw: BufferedReader[_Heard], file: str, elements: int) -> TableFile:
    from incidents.filing.lists.xlsx_table import XlsxTable

    table = XlsxTable(raw, file, elements)
    return TableFile(
        file=file, kind=XLSX, sheet=table.sheet, other_sheets=table.other_sheets,
        columns=table.columns, rows=table.rows(),
    )  # fmt: skip


@contextmanager
def _text(raw: BufferedReader[_Heard], encoding: str) -> Iterator[TextIOWrapper]:
    text = TextIOWrapper(raw, encoding=encoding, newline="")
    try:
        yield text
    finally:
        text.detach()


def _of_text(text: TextIOWrapper, file: str) -> TableFile:
    """A table of text: JSON if it begins as such, else CSV."""
    first = text.read(1024).lstrip()[:1]
    text.seek(0)
    table = JsonList(text, file) if first and first in "[{" else CsvTable(text, file)
    return TableFile(
        file=file,
        kind=CSV if isinstance(table, CsvTable) else JSON,
        encoding=NAMES[text.encoding],
        columns=table.columns,
        rows=table.rows(),
    )


@contextmanager
def _spooled() -> Iterator[BinaryIO]:
    """Standard input in a file of its own, since it is gone through twice."""
    with tempfile.TemporaryFile() as kept:
        size = 0
        while block := sys.stdin.buffer.read(_BLOCK):
            size += len(block)
            if size > MAX_BYTES:
                raise TableError(STDIN, cause("large", limit=f"{MAX_BYTES:,}"))
            kept.write(block)
        yield kept


class _Heard(Wrapped):
    """A file, of whose bytes `done` hears as they are read."""

    def __init__(self, raw: BinaryIO, done: Done) -> None:
        super().__init__(raw)
        self._done = done

    def readinto(self, buffer: Any, /) -> int:
        block = self._raw.read(len(buffer))
        buffer[: len(block)] = block
        self._done(len(block))
        return len(block)
