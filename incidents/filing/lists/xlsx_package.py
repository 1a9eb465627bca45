"""The package of an XLSX file: a ZIP that is checked first, with its XML as events.

A part is unpacked in pieces within its limits, whatever size the ZIP declares. Parts without a
reader (pictures, a nested ZIP) are never unpacked.

Like defusedxml, the parser refuses a document type declaration, which is the source of internal
(billion laughs) and external (XXE) entities, and which ECMA-376, part 2, forbids.
"""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import RawIOBase
from typing import Any, BinaryIO, Never
from xml.parsers import expat

from incidents.filing.lists.table_row import TableError, cause

MAX_MEMBERS = 1_000
MAX_DIRECTORY = 1 << 20
"""The maximum size of the ZIP's directory, which is read in one piece."""

MAX_RATIO = 100
"""The maximum compression ratio beyond `UNCHECKED`: a sheet has a ratio of 10 to 20, a ZIP bomb
1,000."""

UNCHECKED = 4 << 20
MAX_UNPACKED = 256 << 20
"""The maximum unpacked size of all parts together."""

_BLOCK = 1 << 16
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """The parts of the file by name; `elements`: the limit for all parts together.

    Raises:
        TableError: if the file is not such a ZIP; also raised by `part`, naming the part and its
            limit.
    """

    def __init__(self, raw: BinaryIO, file: str, elements: int = sys.maxsize) -> None:
        self.elements = elements
        self._file, self._left = file, MAX_UNPACKED
        try:
            self._zip = zipfile.ZipFile(_LimitedFile(raw, file))
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
            raise TableError(file, cause("not_zip")) from error
        members = self._zip.infolist()
        if len(members) > MAX_MEMBERS:
            self._refuse("zip_members", found=f"{len(members):,}", limit=f"{MAX_MEMBERS:,}")
        self._members: dict[str, zipfile.ZipInfo] = {}
        for member in members:
            if member.filename in self._members:
                self._refuse("zip_twice", part=_told(member.filename))
            self._members[member.filename] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def part(self, name: str, *, limit: int) -> Iterator[bytes]:
        """Unpack a part in pieces, up to `limit` bytes."""
        if name not in self._members:
            self._refuse("not_xlsx", part=_told(name))
        member = self._members[name]
        part = _told(name)
        if member.flag_bits & _ENCRYPTED:
            self._refuse("encrypted", part=part)
        if member.compress_type not in _METHODS:
            self._refuse("zip_method", part=part)
        limit = min(limit, self._left)
        # If the declared size is too small, the part is cut, and its checksum is wrong.
        self._check_limits(part, member.file_size, member.compress_size, limit)
        unpacked = 0
        try:
            with self._zip.open(member) as packed:
                while block := packed.read(_BLOCK):
                    unpacked += len(block)
                    self._check_limits(part, unpacked, member.compress_size, limit)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise TableError(self._file, cause("zip_part", part=part)) from error
        self._left -= unpacked

    def _check_limits(self, part: str, unpacked: int, packed: int, limit: int) -> None:
        if unpacked > limit:
            self._refuse("zip_size", part=part, limit=f"{limit:,}")
        if unpacked > UNCHECKED and unpacked > packed * MAX_RATIO:
            self._refuse("zip_ratio", part=part, limit=MAX_RATIO)

    def _refuse(self, code: str, **facts: object) -> Never:
        raise TableError(self._file, cause(code, **facts))


class Wrapped(RawIOBase):
    """A wrapper of a binary file."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


class _LimitedFile(Wrapped):
    """The file as passed to `zipfile`, with a limit on the size of a read."""

    def __init__(self, raw: BinaryIO, file: str) -> None:
        super().__init__(raw)
        self._file = file

    def read(self, size: int = -1, /) -> bytes:
        found = self._raw.read(size if 0 <= size <= MAX_DIRECTORY else MAX_DIRECTORY + 1)
        if len(found) > MAX_DIRECTORY:
            raise TableError(self._file, cause("zip_directory", limit=f"{MAX_DIRECTORY:,}"))
        return found


def _told(name: str) -> str:
    return ascii(name[:80])[1:-1]


MAX_DEPTH = 64
MAX_ELEMENTS = 200_000
"""The default maximum number of elements in a part: each element costs time, but no memory."""

MAX_TOKEN = 1 << 20
"""The maximum size of a tag with its attributes, which the parser keeps in memory."""


class Handler:
    """A handler of XML elements, by names without a prefix; text arrives in pieces."""

    __slots__ = ()

    def start(self, name: str, attributes: dict[str, str], /) -> None:
        """Handle the start of an element."""

    def end(self, name: str) -> None:
        """Handle the end of an element."""

    def text(self, piece: str) -> None:
        """Handle some text inside the last opened element, or inside one that contains it."""


class PartReader:
    """A reader that passes a part to a handler, block by block.

    Raises:
        TableError: raised by `feed` and `close`, naming the part.
    """

    def __init__(
        self, file: str, part: str, handler: Handler, *, elements: int = MAX_ELEMENTS
    ) -> None:
        self._file, self._part, self._fed, self._depth = file, part, 0, 0
        self._elements = self._left = elements
        self._started, self._ended = handler.start, handler.end
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = handler.text
        parser.StartDoctypeDeclHandler = lambda *_: self._refuse("doctype")

    @property
    def read(self) -> int:
        """The number of elements read."""
        return self._elements - self._left

    def feed(self, block: bytes, *, last: bool = False) -> None:
        """Read the next block."""
        try:
            self._parser.Parse(block, last)
        except expat.ExpatError as error:
            where = f" (line {error.lineno}, character {error.offset + 1})"
            raise TableError(self._file, cause("bad_xml", part=self._part, where=where)) from error
        self._fed += len(block)
        if self._fed - self._parser.CurrentByteIndex > MAX_TOKEN:
            self._refuse("long_token", limit=f"{MAX_TOKEN:,}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        self._left -= 1
        if self._depth > MAX_DEPTH:
            self._refuse("deep", limit=MAX_DEPTH)
        if self._left < 0:
            self._refuse("elements", limit=f"{self._elements:,}")
        self._started(name.rpartition(":")[2] if ":" in name else name, attributes)

    def _end(self, name: str) -> None:
        self._depth -= 1
        self._ended(name.rpartition(":")[2] if ":" in name else name)

    def _refuse(self, code: str, **facts: Any) -> Never:
        raise TableError(self._file, cause(code, part=self._part, **facts))


def read(
    blocks: Iterable[bytes],
    file: str,
    part: str,
    handler: Handler,
    *,
    elements: int = MAX_ELEMENTS,
) -> int:
    """Pass a part to a handler; return the number of elements. Raises like `PartReader`."""
    reading = PartReader(file, part, handler, elements=elements)
    for block in blocks:
        reading.feed(block)
    reading.feed(b"", last=True)
    return reading.read
