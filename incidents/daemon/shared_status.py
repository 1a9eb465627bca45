"""The shared status: what the processes of one daemon know of one another, in common memory."""

from __future__ import annotations

import struct
from mmap import PAGESIZE, mmap

_LENGTH = struct.Struct("=H")
_OVERDUE, _LOOKED, _MARK, _MAILBOX = 0, 1, 2, PAGESIZE
_MAX_TEXT = PAGESIZE - _MARK - _LENGTH.size


class SharedStatus:
    """The shared status of one daemon, made before its processes are; each fact has one writer.

    It outlives each process, so one that is started again finds what the others have written.
    """

    def __init__(self) -> None:
        self._memory = mmap(-1, 2 * PAGESIZE)

    @property
    def is_overdue(self) -> bool:
        """Whether more deadlines have passed than one batch decides."""
        return self._memory[_OVERDUE] != 0

    @is_overdue.setter
    def is_overdue(self, is_overdue: bool) -> None:
        self._memory[_OVERDUE] = is_overdue

    @property
    def has_looked(self) -> bool:
        """Whether what had fallen due before the daemon's start has been decided."""
        return self._memory[_LOOKED] != 0

    @has_looked.setter
    def has_looked(self, has_looked: bool) -> None:
        self._memory[_LOOKED] = has_looked

    @property
    def mark_unread(self) -> str | None:
        """Why no orders are carried out, if the mark cannot be read."""
        return self._text(_MARK)

    @mark_unread.setter
    def mark_unread(self, why: str | None) -> None:
        self._write(_MARK, why)

    @property
    def mailbox_unread(self) -> str | None:
        """Why no reports are received from the mailbox, if it cannot be read."""
        return self._text(_MAILBOX)

    @mailbox_unread.setter
    def mailbox_unread(self, why: str | None) -> None:
        self._write(_MAILBOX, why)

    def _text(self, at: int) -> str | None:
        (length,) = _LENGTH.unpack_from(self._memory, at)
        start = at + _LENGTH.size
        # It may be read while it is written, and half of a character cannot be decoded.
        return self._memory[start : start + length].decode(errors="replace") or None

    def _write(self, at: int, why: str | None) -> None:
        text = (why or "").encode()[:_MAX_TEXT]
        start = at + _LENGTH.size
        _LENGTH.pack_into(self._memory, at, 0)
        self._memory[start : start + len(text)] = text
        _LENGTH.pack_into(self._memory, at, len(text))
