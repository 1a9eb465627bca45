"""The birth time: when a file was made, which no copy of it can have and nothing changes.

Python 3.11 does not ask for it on Linux.
"""

from __future__ import annotations

import ctypes
import os
from typing import ClassVar


def birth_time(handle: int) -> int | None:
    """When the open file was made, in nanoseconds by the clock of its disk; None where nobody can
    tell (an older NFS client, an old ext4)."""
    found = _Statx()
    try:
        done = ctypes.CDLL(None).statx(handle, b"", _OF_HANDLE, _BORN, ctypes.byref(found))
    except (AttributeError, OSError):
        # No Linux, or one of before: others say it in the common way.
        at_s = getattr(os.fstat(handle), "st_birthtime", None)
        return None if at_s is None else round(at_s * 1_000_000_000)
    if done != 0 or not found.mask & _BORN:
        return None
    return int(found.born_s) * 1_000_000_000 + int(found.born_ns)


_OF_HANDLE, _BORN = 0x1000, 0x800


class _Statx(ctypes.Structure):
    """What statx(2) fills, as far as it is needed."""

    _fields_: ClassVar = [
        ("mask", ctypes.c_uint32), ("_to_born", ctypes.c_uint8 * 76),
        ("born_s", ctypes.c_int64), ("born_ns", ctypes.c_uint32), ("_rest", ctypes.c_uint8 * 164),
    ]  # fmt: skip
