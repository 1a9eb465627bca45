"""The encoding of a text file: by the mark at its beginning, or by reading all of it once."""

from __future__ import annotations

import codecs
from typing import BinaryIO

from incidents.filing.list_causes import cause
from incidents.filing.table_row import TableError

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
