"""The package of an XLSX file: a ZIP that is looked through before anything of it is unpacked.

A part is unpacked piece by piece, and never beyond its limits, whatever the ZIP says of its size.
What no reader asks for (pictures, a ZIP in the ZIP) is never unpacked.
"""

from __future__ import annotations

import sys
import zipfile
import zlib
from collections.abc import Iterator
from io import RawIOBase
from typing import BinaryIO, Never

from incidents.filing.list_causes import cause
from incidents.filing.table_row import TableError

MAX_MEMBERS = 1_000
MAX_DIRECTORY = 1 << 20
"""So many bytes the ZIP's directory has at most: it is read whole."""

MAX_RATIO = 100
"""So many times its packed size a part may unpack to, once it has left `FREE` behind. A list of
cells packs to a tenth or a twentieth; a bomb to a thousandth."""

FREE = 4 << 20
ALL = 256 << 20
"""So many bytes the parts that are read unpack to together, at most."""

_BLOCK = 1 << 16
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Package:
    """The parts of the file by their names; so many `elements` may be read of them together.

    Raises:
        TableError: if it is no such ZIP; from `part` too, naming the part and its limit.
    """

    def __init__(self, raw: BinaryIO, file: str, elements: int = sys.maxsize) -> None:
        self.elements = elements
        self._file, self._left = file, ALL
        try:
            self._zip = zipfile.ZipFile(_Careful(raw, file))
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
        """A part, unpacked piece by piece, up to `limit` bytes of it."""
        if name not in self._members:
            self._refuse("not_xlsx", part=_told(name))
        member = self._members[name]
        part = _told(name)
        if member.flag_bits & _ENCRYPTED:
            self._refuse("encrypted", part=part)
        if member.compress_type not in _METHODS:
            self._refuse("zip_method", part=part)
        limit = min(limit, self._left)
        # A size that is declared too small cuts the part short, which its checksum gives away.
        self._judge(part, member.file_size, member.compress_size, limit)
        unpacked = 0
        try:
            with self._zip.open(member) as packed:
                while block := packed.read(_BLOCK):
                    unpacked += len(block)
                    self._judge(part, unpacked, member.compress_size, limit)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
            raise TableError(self._file, cause("zip_part", part=part)) from error
        self._left -= unpacked

    def _judge(self, part: str, unpacked: int, packed: int, limit: int) -> None:
        if unpacked > limit:
            self._refuse("zip_size", part=part, limit=f"{limit:,}")
        if unpacked > FREE and unpacked > packed * MAX_RATIO:
            self._refuse("zip_ratio", part=part, limit=MAX_RATIO)

    def _refuse(self, code: str, **facts: object) -> Never:
        raise TableError(self._file, cause(code, **facts))


class _Careful(RawIOBase):
    """The file as `zipfile` sees it: one that gives no directory beyond the limit in one piece."""

    def __init__(self, raw: BinaryIO, file: str) -> None:
        self._raw, self._file = raw, file

    def read(self, size: int = -1, /) -> bytes:
        found = self._raw.read(size if 0 <= size <= MAX_DIRECTORY else MAX_DIRECTORY + 1)
        if len(found) > MAX_DIRECTORY:
            raise TableError(self._file, cause("zip_directory", limit=f"{MAX_DIRECTORY:,}"))
        return found

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


def _told(name: str) -> str:
    return ascii(name[:80])[1:-1]
